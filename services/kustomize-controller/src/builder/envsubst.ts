import {
  type Expansion,
  parseTemplate,
  SubstitutionError,
  type TemplateNode,
} from './envsubst-parse.ts';
import { trimMatch } from './glob.ts';

export { SubstitutionError } from './envsubst-parse.ts';

/** Settings of an evaluation. */
export interface EnvsubstOptions {
  /** Refuse variables that are not set, except where a default is given. */
  strict: boolean;
}

const defaulting = new Set(['=', '-', ':=', ':-', ':?', ':+']);

function bytes(value: string, from: number, to?: number): string {
  return Buffer.from(value).subarray(from, to).toString();
}

function substring(value: string, args: string[]): string {
  const length = Buffer.byteLength(value);
  const isInteger = (text: string) => /^[-+]?[0-9]+$/.test(text);
  const [offsetText = '', countText] = args;
  if (!isInteger(offsetText)) return value;
  const wanted = Number(offsetText);
  const offset = wanted < 0 ? Math.max(0, length + wanted) : wanted;
  if (countText === undefined) return bytes(value, offset);
  if (!isInteger(countText)) return value;
  const count = Number(countText);
  if (count < 0) throw new SubstitutionError(`length ${count} of a substring must not be negative`);
  return bytes(value, offset, offset + count);
}

function replaceFirst(value: string, pattern: string, by: string): string {
  const at = value.indexOf(pattern);
  return at === -1 ? value : value.slice(0, at) + by + value.slice(at + pattern.length);
}

function replaceSuffix(value: string, pattern: string, by: string): string {
  return value.endsWith(pattern) ? value.slice(0, value.length - pattern.length) + by : value;
}

function changeFirst(value: string, change: (first: string) => string): string {
  const [first = ''] = value;
  return change(first) + value.slice(first.length);
}

const operations: Record<string, (value: string, args: string[]) => string> = {
  length: (value) => String(Buffer.byteLength(value)),
  '^': (value) => changeFirst(value, (first) => first.toUpperCase()),
  '^^': (value) => value.toUpperCase(),
  ',': (value) => changeFirst(value, (first) => first.toLowerCase()),
  ',,': (value) => value.toLowerCase(),
  ':': substring,
  '#': (value, [pattern = '']) => trimMatch(value, pattern, { end: false, longest: false }),
  '##': (value, [pattern = '']) => trimMatch(value, pattern, { end: false, longest: true }),
  '%': (value, [pattern = '']) => trimMatch(value, pattern, { end: true, longest: false }),
  '%%': (value, [pattern = '']) => trimMatch(value, pattern, { end: true, longest: true }),
  '/': (value, [pattern = '', by = '']) => replaceFirst(value, pattern, by),
  '//': (value, [pattern = '', by = '']) => value.replaceAll(pattern, () => by),
  '/#': (value, [pattern = '', by]) =>
    by !== undefined && value.startsWith(pattern) ? by + value.slice(pattern.length) : value,
  '/%': (value, [pattern = '', by]) =>
    by === undefined ? value : replaceSuffix(value, pattern, by),
};

type Lookup = (name: string) => string | undefined;

function expand(node: Expansion, lookup: Lookup, options: EnvsubstOptions): string {
  const args = node.arguments.map((argument) => evaluate(argument, lookup, options));
  const value = lookup(node.name);
  if (defaulting.has(node.operator)) {
    const isSet = node.operator === '-' ? value !== undefined : (value ?? '') !== '';
    return isSet ? (value as string) : args.join('');
  }
  if (value === undefined && options.strict) {
    throw new SubstitutionError(
      `variable '${node.name}' is not set (line ${node.line} of the object): set it in spec.postBuild or write \${${node.name}:=default}`,
    );
  }
  return operations[node.operator]?.(value ?? '', args) ?? value ?? '';
}

function evaluate(nodes: TemplateNode[], lookup: Lookup, options: EnvsubstOptions): string {
  let result = '';
  for (const node of nodes)
    result += typeof node === 'string' ? node : expand(node, lookup, options);
  return result;
}

/**
 * Expands `${var}` and its bash-like forms as Flux does; a variable that is not set is empty.
 *
 * @param lookup returns the value of a variable, undefined when it is not set
 * @throws SubstitutionError for an expression that cannot be read, or an unset variable in strict mode
 */
export function envsubst(text: string, lookup: Lookup, options: EnvsubstOptions): string {
  return evaluate(parseTemplate(text), lookup, options);
}
