import { BudgetError } from '@sluice/shared/base';
import {
  type Expansion,
  parseTemplate,
  SubstitutionError,
  type TemplateNode,
} from './envsubst-parse.ts';
import { type Spend, type TrimOptions, trimMatch } from './glob.ts';

export { SubstitutionError } from './envsubst-parse.ts';

/** Settings of an evaluation. */
export interface EnvsubstOptions {
  /** Refuse variables that are not set, except where a default is given. */
  strict: boolean;
  /** Told each piece of work, a step for a character that is read or made; what it throws ends the evaluation. */
  spend: Spend;
}

const defaulting = new Set(['=', ':=', ':-', ':?', ':+']);

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
  // A negative length counts from the end.
  const end = count < 0 ? length + count : offset + count;
  return end <= offset ? '' : bytes(value, offset, end);
}

/** What looking for a text in another may take: with long ones, each place may be compared at length. */
function searchCost(value: string, pattern: string): number {
  return value.length + Math.ceil((value.length * pattern.length) / 4096);
}

function replaceFirst(value: string, [pattern = '', by = '']: string[], spend: Spend): string {
  spend(searchCost(value, pattern));
  const at = value.indexOf(pattern);
  return at === -1 ? value : value.slice(0, at) + by + value.slice(at + pattern.length);
}

/** The result is paid for before it is made. */
function replaceAll(value: string, [pattern = '', by = '']: string[], spend: Spend): string {
  spend(searchCost(value, pattern));
  let count = pattern === '' ? value.length + 1 : 0;
  if (pattern !== '') {
    for (let at = value.indexOf(pattern); at !== -1; at = value.indexOf(pattern, at)) {
      count++;
      at += pattern.length;
    }
  }
  spend(count * by.length);
  // An empty pattern is found between characters, never inside of one.
  if (pattern === '') return by + Array.from(value, (char) => char + by).join('');
  return value.replaceAll(pattern, () => by);
}

function replaceSuffix(value: string, pattern: string, by: string): string {
  return value.endsWith(pattern) ? value.slice(0, value.length - pattern.length) + by : value;
}

/** Changes the case of a character; one that would become several stays, as in Go. */
function cased(char: string, method: 'toUpperCase' | 'toLowerCase'): string {
  if (char === '\u0130' && method === 'toLowerCase') return 'i';
  const changed = char[method]();
  return [...changed].length === 1 ? changed : char;
}

function changeAll(value: string, method: 'toUpperCase' | 'toLowerCase'): string {
  return Array.from(value, (char) => cased(char, method)).join('');
}

function changeFirst(value: string, method: 'toUpperCase' | 'toLowerCase'): string {
  const [first = ''] = value;
  return changeAll(first, method) + value.slice(first.length);
}

type Operation = (value: string, args: string[], spend: Spend) => string;

function trim(o: TrimOptions): Operation {
  return (value, [pattern = ''], spend) => trimMatch(value, pattern, o, spend);
}

const operations: Record<string, Operation> = {
  length: (value) => String(Buffer.byteLength(value)),
  '^': (value) => changeFirst(value, 'toUpperCase'),
  '^^': (value) => changeAll(value, 'toUpperCase'),
  ',': (value) => changeFirst(value, 'toLowerCase'),
  ',,': (value) => changeAll(value, 'toLowerCase'),
  ':': substring,
  '#': trim({ end: false, longest: false }),
  '##': trim({ end: false, longest: true }),
  '%': trim({ end: true, longest: false }),
  '%%': trim({ end: true, longest: true }),
  '/': replaceFirst,
  '//': replaceAll,
  '/#': (value, [pattern = '', by]) =>
    by !== undefined && value.startsWith(pattern) ? by + value.slice(pattern.length) : value,
  '/%': (value, [pattern = '', by]) =>
    by === undefined ? value : replaceSuffix(value, pattern, by),
};

type Lookup = (name: string) => string | undefined;

function expand(node: Expansion, lookup: Lookup, options: EnvsubstOptions): string {
  const args = node.arguments.map((argument) => evaluate([argument], lookup, options));
  const value = lookup(node.name);
  if (defaulting.has(node.operator)) {
    return value || args.join('');
  }
  if (value === undefined && options.strict) {
    throw new SubstitutionError(
      `variable '${node.name}' is not set (line ${node.line} of the object): set it in spec.postBuild, write \${${node.name}:=default}, or $\${${node.name}} to keep \${${node.name}}, as in a script`,
      shown(node),
    );
  }
  const operation = operations[node.operator];
  if (operation === undefined) return value ?? '';
  options.spend((value ?? '').length);
  return operation(value ?? '', args, options.spend);
}

/** The expression as it starts in the source. */
function shown({ name, operator }: Expansion): string {
  return operator === 'length'
    ? `\${#${name}}`
    : `\${${name}${operator}${operator === '' ? '' : '…'}}`;
}

function expandWithin(node: Expansion, lookup: Lookup, options: EnvsubstOptions): string {
  try {
    const text = expand(node, lookup, options);
    options.spend(1 + text.length);
    return text;
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    throw new SubstitutionError(
      `${error.message} at '${shown(node)}' (line ${node.line} of the object): use shorter values, or fewer expressions within each other`,
      shown(node),
      { cause: error },
    );
  }
}

function evaluate(nodes: TemplateNode[], lookup: Lookup, options: EnvsubstOptions): string {
  let result = '';
  for (const node of nodes)
    result += typeof node === 'string' ? node : expandWithin(node, lookup, options);
  return result;
}

/**
 * Expands `${var}` and its bash-like forms as Flux does; a variable that is not set is empty.
 *
 * @param lookup returns the value of a variable, undefined when it is not set
 * @throws SubstitutionError for an expression that cannot be read, an unset variable in strict mode, or one that takes
 * too long, which `options.spend` says by a BudgetError
 */
export function envsubst(text: string, lookup: Lookup, options: EnvsubstOptions): string {
  return evaluate(parseTemplate(text), lookup, options);
}
