import {
  DUMP_SCHEMA,
  defineScalarTag,
  dump,
  FAILSAFE_SCHEMA,
  type LoadOptions,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  type Schema,
  type TagDefinition,
  YAMLException,
} from 'js-yaml';
import { isExactInteger, toInteger } from './exact-integer.ts';
import { formatGoFloat } from './go-float.ts';
import { countSeparators, excessOf } from './yaml-limits.ts';

/** YAML that cannot be read; the message starts with the file and the line. */
export class YamlError extends Error {
  override name = 'YamlError';
  /** From 1; undefined when unknown. */
  readonly line?: number;
  constructor(message: string, line?: number, options?: ErrorOptions) {
    super(message, options);
    this.line = line;
  }
}

const words = new Map<string, boolean | null>();
for (const word of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
  words.set(word, true);
for (const word of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])
  words.set(word, false);
for (const word of ['', '~', 'null', 'Null', 'NULL']) words.set(word, null);

const intPattern = /^([-+]?)(0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)$/;
const floatPattern = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

function resolveInteger(source: string, exact: boolean): unknown {
  const match = intPattern.exec(source.replaceAll('_', ''));
  if (match === null) return NOT_RESOLVED;
  const digits = (match[2] as string).replace(/^0(?=[0-7])/, '0o');
  const negative = match[1] === '-';
  if (exact) return toInteger(negative ? -BigInt(digits) : BigInt(digits), { unsigned: true });
  return negative ? -Number(digits) : Number(digits);
}

function resolveFloat(source: string, asText: boolean): number | string | typeof NOT_RESOLVED {
  const plain = source.startsWith('.') ? source : source.replaceAll('_', '');
  if (!/^[-+.0-9]/.test(source) || !floatPattern.test(plain)) return NOT_RESOLVED;
  const number = Number(plain);
  if (!Number.isFinite(number)) return NOT_RESOLVED;
  return asText ? formatGoFloat(number) : number;
}

const plainBool = /^(true|false)$/i;

function buildSchema({ exactIntegers = false, wordsAsText = false, floatsAsText = false }): Schema {
  const never = () => false;
  const nothing = defineScalarTag<null>('tag:yaml.org,2002:null', {
    implicit: true,
    resolve: (source) => (words.get(source) === null ? null : NOT_RESOLVED),
    identify: (value) => value === null,
    represent: () => 'null',
  });
  const bool = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
    implicit: true,
    resolve: (source) =>
      wordsAsText && !plainBool.test(source) ? NOT_RESOLVED : (words.get(source) ?? NOT_RESOLVED),
    identify: (value) => typeof value === 'boolean',
  });
  const int = defineScalarTag<unknown>('tag:yaml.org,2002:int', {
    implicit: true,
    implicitFirstChars: [...'+-0123456789'],
    resolve: (source) => resolveInteger(source, exactIntegers),
    identify: (value) => Number.isInteger(value),
  });
  const float = defineScalarTag<number | string>('tag:yaml.org,2002:float', {
    implicit: true,
    implicitFirstChars: [...'+-.0123456789'],
    resolve: (source) => resolveFloat(source, floatsAsText),
    identify: (value) => typeof value === 'number',
  });
  const timestamp = defineScalarTag<string>('tag:yaml.org,2002:timestamp', {
    resolve: (source) => source,
    identify: never,
  });
  const binary = defineScalarTag<string>('tag:yaml.org,2002:binary', {
    resolve: (source) => Buffer.from(source, 'base64').toString(),
    identify: never,
  });
  return FAILSAFE_SCHEMA.withTags(nothing, bool, int, float, timestamp, binary, mergeTag);
}

/**
 * Scalars as Kubernetes clients read them: the YAML 1.1 of Go's yaml.v2, in which `yes` is a boolean, `0777` is
 * octal and a date is a string.
 */
const schemas = new Map<string, Schema>();

/** What aliases may stand for in one text, unless told: more than any person writes, less than harms. */
const maxExpandedValues = 100_000;
const maxExpandedCharacters = 4 * 2 ** 20;

/** Longest text, and most values in it: parsing takes many times their memory. */
const maxLength = 64 * 2 ** 20;
const maxWrittenValues = 4_000_000;

export interface YamlOptions {
  /** Let the last of equal keys count, as Go's yaml.v2 does; an error unless told. */
  lastKeyWins?: boolean;
  /**
   * Keep the 64-bit integers that a number cannot hold, as `ExactInteger`s; the nearest number unless told.
   */
  exactIntegers?: boolean;
  /** Read floats as the text that Go makes of them where it wants one: `1.10` is `1.1`, `72e5` is `7.2e+06`. */
  floatsAsText?: boolean;
  /** Read `yes`, `no`, `on` and `off` as text, as kustomize does with Go's yaml.v3; as booleans unless told. */
  wordsAsText?: boolean;
  /** Most values that aliases may stand for; 100,000 unless told. */
  maxValues?: number;
}

function schemaOf({ exactIntegers, wordsAsText, floatsAsText }: YamlOptions): Schema {
  const key = `${exactIntegers} ${wordsAsText} ${floatsAsText}`;
  const schema = schemas.get(key) ?? buildSchema({ exactIntegers, wordsAsText, floatsAsText });
  schemas.set(key, schema);
  return schema;
}

function located(error: unknown, file: string, linesBefore: number): YamlError {
  if (!(error instanceof YAMLException)) return new YamlError(`${file}: ${String(error)}`);
  const line = error.mark === undefined ? undefined : linesBefore + error.mark.line + 1;
  const place = line === undefined ? file : `${file}:${line}`;
  return new YamlError(`${place}: ${error.reason}`, line, { cause: error });
}

/**
 * Parses a stream of YAML documents with the scalar rules of Kubernetes; empty documents are left out.
 *
 * @param file name used in error messages
 * @throws YamlError that names the file and the line, also when the text is too long, or its aliases stand for too much
 */
export function parseYamlStream(text: string, file: string, options: YamlOptions = {}): unknown[] {
  refuseSize(text, file);
  const schema = schemaOf(options);
  const documents = load(text, file, { schema, json: options.lastKeyWins });
  if (text.includes('&') && text.includes('*')) {
    const values = options.maxValues ?? maxExpandedValues;
    const excess = excessOf(documents, {
      values,
      characters: maxExpandedCharacters,
      length: text.length,
    });
    if (excess !== undefined) throw new YamlError(`${file}: ${excess}`);
  }
  return documents.filter((document) => document !== null);
}

/** Before anything is parsed. */
function refuseSize(text: string, file: string): void {
  if (text.length > maxLength)
    throw new YamlError(`${file}: longer than ${maxLength} characters: split it`);
  if (text.length > maxWrittenValues && countSeparators(text) > maxWrittenValues)
    throw new YamlError(`${file}: holds more than ${maxWrittenValues} values: split it`);
}

/** Most characters that are parsed again to repair a text. */
const maxReparsed = 8_000_000;

/**
 * Loads documents. A line of a flow collection or a quoted string that is indented no more than its parent, such as a
 * closing bracket below its key, is an error to the library and fine to all Go programs; more spaces before it
 * change nothing else. So is a tab between the values of a flow collection, for which spaces stand as well. Where there
 * is one, each document is read alone, and again for each such place in it.
 */
function load(text: string, file: string, options: LoadOptions): unknown[] {
  try {
    return loadAll(text, options);
  } catch (error) {
    if (repaired(text, error) === undefined) throw located(error, file, 0);
  }
  const loaded: unknown[][] = [];
  const budget = { characters: maxReparsed };
  let linesBefore = 0;
  for (const document of separated(text)) {
    loaded.push(loadRepaired(document, { file, linesBefore, budget }, options));
    linesBefore += document.split('\n').length;
  }
  return loaded.flat();
}

/** The documents of a text: `---` at the start of a line is nothing else. Directives stay with what follows them. */
function separated(text: string): string[] {
  const documents: string[] = [];
  let mayBeDirective = false;
  for (const part of text.split(/\n(?=---(?:\s|$))/)) {
    documents.push(mayBeDirective ? `${documents.pop()}\n${part}` : part);
    mayBeDirective = /^[%#]/.test(part.slice(part.lastIndexOf('\n') + 1));
  }
  return documents;
}

function loadRepaired(
  document: string,
  o: { file: string; linesBefore: number; budget: { characters: number } },
  options: LoadOptions,
): unknown[] {
  for (let source = document; ; ) {
    try {
      return loadAll(source, options);
    } catch (error) {
      const better = repaired(source, error);
      if (better === undefined || o.budget.characters <= 0)
        throw located(error, o.file, o.linesBefore);
      o.budget.characters -= source.length;
      source = better;
    }
  }
}

/** What keeps a text from being read, with spaces in place of it; undefined when it is something else. */
function repaired(text: string, error: unknown): string | undefined {
  // The library has no code for it.
  if (!(error instanceof YAMLException) || error.reason !== 'deficient indentation')
    return undefined;
  const position = error.mark?.position ?? 0;
  const start = text.lastIndexOf('\n', position - 1) + 1;
  const line = text.slice(start, position);
  const blanks = /[^ \t]([ \t]*\t[ \t]*)$/.exec(line)?.[1];
  if (blanks !== undefined) {
    const from = position - blanks.length;
    return `${text.slice(0, from)}${' '.repeat(blanks.length)}${text.slice(position)}`;
  }
  return start === 0 ? undefined : `${text.slice(0, start)}${' '.repeat(64)}${text.slice(start)}`;
}

/** As the library's, with exact integers. */
const dumpSchema = DUMP_SCHEMA.withTags(
  DUMP_SCHEMA.tags.map((tag): TagDefinition => {
    if (tag.tagName !== 'tag:yaml.org,2002:int' || tag.nodeKind !== 'scalar') return tag;
    return {
      ...tag,
      identify: (value) => isExactInteger(value) || tag.identify(value),
      represent: (value) => (isExactInteger(value) ? value.rawJSON : tag.represent(value)),
    };
  }),
);

/**
 * Formats a value as Go clients do: keys sorted, no line folded, strings unquoted wherever possible. So a string
 * such as `${replicas}` stands bare, and its substitution decides whether it becomes a number.
 */
export function formatCanonicalYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true, sortKeys: true, schema: dumpSchema });
}

/** What YAML does not take inside of quotes as it is, though JSON does. */
const notInYaml = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Escapes JSON so that a YAML parser reads the same from it. */
export function yamlFromJson(json: string): string {
  return json.replace(
    notInYaml,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
