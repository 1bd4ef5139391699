import {
  binaryTag,
  defineScalarTag,
  dump,
  FAILSAFE_SCHEMA,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  type Schema,
  YAMLException,
} from 'js-yaml';

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

function parseInteger(source: string): number | undefined {
  const match = intPattern.exec(source.replaceAll('_', ''));
  if (match === null) return undefined;
  const digits = match[2] as string;
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  return match[1] === '-' ? -Number(octal) : Number(octal);
}

function resolveFloat(source: string): number | typeof NOT_RESOLVED {
  const plain = source.replaceAll('_', '');
  return /^[-+.0-9]/.test(source) && floatPattern.test(plain) ? Number(plain) : NOT_RESOLVED;
}

function buildSchema(): Schema {
  const never = () => false;
  const nothing = defineScalarTag<null>('tag:yaml.org,2002:null', {
    implicit: true,
    resolve: (source) => (words.get(source) === null ? null : NOT_RESOLVED),
    identify: (value) => value === null,
    represent: () => 'null',
  });
  const bool = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
    implicit: true,
    resolve: (source) => words.get(source) ?? NOT_RESOLVED,
    identify: (value) => typeof value === 'boolean',
  });
  const int = defineScalarTag<number>('tag:yaml.org,2002:int', {
    implicit: true,
    implicitFirstChars: [...'+-0123456789'],
    resolve: (source) => parseInteger(source) ?? NOT_RESOLVED,
    identify: (value) => Number.isInteger(value),
  });
  const float = defineScalarTag<number>('tag:yaml.org,2002:float', {
    implicit: true,
    implicitFirstChars: [...'+-.0123456789'],
    resolve: resolveFloat,
    identify: (value) => typeof value === 'number',
  });
  const timestamp = defineScalarTag<string>('tag:yaml.org,2002:timestamp', {
    resolve: (source) => source,
    identify: never,
  });
  return FAILSAFE_SCHEMA.withTags(nothing, bool, int, float, timestamp, binaryTag, mergeTag);
}

/**
 * Scalars as Kubernetes clients read them: the YAML 1.1 of Go's yaml.v2, in which `yes` is a boolean, `0777` is
 * octal and a date is a string.
 */
const goSchema = buildSchema();

function located(error: unknown, file: string): YamlError {
  if (!(error instanceof YAMLException)) return new YamlError(`${file}: ${String(error)}`);
  const line = error.mark === undefined ? undefined : error.mark.line + 1;
  const place = line === undefined ? file : `${file}:${line}`;
  return new YamlError(`${place}: ${error.reason}`, line, { cause: error });
}

/**
 * Parses a stream of YAML documents with the scalar rules of Kubernetes; empty documents are left out.
 *
 * @param file name used in error messages
 * @throws YamlError that names the file and the line
 */
export function parseYamlStream(text: string, file: string): unknown[] {
  try {
    return loadAll(text, { schema: goSchema }).filter((document) => document !== null);
  } catch (error) {
    throw located(error, file);
  }
}

/**
 * Formats a value as Go clients do: keys sorted, no line folded, strings unquoted wherever possible. So a string
 * such as `${replicas}` stands bare, and its substitution decides whether it becomes a number.
 */
export function formatCanonicalYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true, sortKeys: true });
}
