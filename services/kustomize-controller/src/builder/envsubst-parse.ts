/** A parsed template: literal text and expansions of variables. */
export type TemplateNode = string | Expansion;

/** `${name}` or `${name<operator><arguments>}`. */
export interface Expansion {
  name: string;
  operator: string;
  arguments: TemplateNode[];
  /** Line of the template on which it starts, from 1. */
  line: number;
}

/** A template that cannot be read, or a variable that is missing. The message never holds a value. */
export class SubstitutionError extends Error {
  override name = 'SubstitutionError';
  /** How the expression begins, up to the end of its name. */
  readonly expression: string;
  constructor(message: string, expression: string, options?: ErrorOptions) {
    super(message, options);
    this.expression = /^\$\{#?[\p{L}\p{Nd}_]*/u.exec(expression)?.[0] ?? expression;
  }
}

const namePattern = /[\p{L}\p{Nd}_]+/uy;
const maxDepth = 32;

/** Position in the text that is being parsed. */
class Cursor {
  readonly text: string;
  at = 0;
  /** The last line that was asked for, and where; the next one is mostly further on. */
  #known = { offset: 0, line: 1 };

  constructor(text: string) {
    this.text = text;
  }

  startsWith(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  get char(): string {
    return this.text[this.at] ?? '';
  }

  get line(): number {
    return this.lineOf(this.at);
  }

  lineOf(offset: number): number {
    const known = offset < this.#known.offset ? { offset: 0, line: 1 } : this.#known;
    let { line } = known;
    for (
      let i = this.text.indexOf('\n', known.offset);
      i !== -1 && i < offset;
      i = this.text.indexOf('\n', i + 1)
    )
      line++;
    this.#known = { offset, line };
    return line;
  }

  take(token: string): boolean {
    if (!this.startsWith(token)) return false;
    this.at += token.length;
    return true;
  }

  fail(what: string, start: number): never {
    const [shown = ''] = this.text.slice(start, start + 40).split('\n');
    throw new SubstitutionError(
      `${what} in '${shown}' (line ${this.lineOf(start)} of the object): write $\${ for a literal \${, as in a script`,
      shown,
    );
  }
}

interface ArgumentRules {
  /** Characters that end the argument. */
  stops: string;
  /** Whether `$$` stands for `$`, and `\\/` and `\\\\` for the character after the backslash. */
  escapes: boolean;
}

/** Reads text up to a stop or an expansion. */
function parseText(cursor: Cursor, { stops, escapes }: ArgumentRules): string {
  let text = '';
  while (cursor.at < cursor.text.length && !cursor.startsWith('${')) {
    const next = cursor.text[cursor.at + 1];
    const escaped =
      (cursor.char === '$' && next === '$') ||
      (cursor.char === '\\' && (next === '/' || next === '\\'));
    if (escapes && escaped) cursor.at++;
    else if (stops.includes(cursor.char)) break;
    text += cursor.char;
    cursor.at++;
  }
  return text;
}

/** One expansion of what is being parsed. */
interface Within {
  cursor: Cursor;
  /** Where it starts. */
  start: number;
  depth: number;
}

/** An argument is either text or one expansion, and never empty. */
function parseArgument({ cursor, start, depth }: Within, rules: ArgumentRules): TemplateNode {
  if (cursor.startsWith('${')) return parseExpansion(cursor, depth + 1);
  const text = parseText(cursor, rules);
  return text === '' ? cursor.fail('an argument is empty', start) : text;
}

const defaultOperator = /:[=\-?+]|=/y;
const casingOperator = /[\^,]{1,2}/y;
const removeOperator = /##?|%%?/y;
const replaceOperator = /\/[/#%]?/y;
const slashes = /\/+/y;
const colons = /:+/y;

function takeMatch(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text)?.[0];
  if (match !== undefined) cursor.at += match.length;
  return match;
}

type Operation = Pick<Expansion, 'operator' | 'arguments'>;

function parseOperator(within: Within): Operation {
  const { cursor } = within;
  const argument = () => parseArgument(within, { stops: '}', escapes: false });
  const byDefault = takeMatch(cursor, defaultOperator);
  if (byDefault !== undefined) {
    const nodes: TemplateNode[] = [];
    while (cursor.char !== '}') nodes.push(argument());
    return { operator: byDefault, arguments: nodes };
  }
  const casing = takeMatch(cursor, casingOperator);
  if (casing !== undefined) return { operator: casing, arguments: [] };
  const remove = takeMatch(cursor, removeOperator);
  if (remove !== undefined) return { operator: remove, arguments: [argument()] };
  const replace = takeMatch(cursor, replaceOperator);
  if (replace !== undefined) return parseReplacement(within, replace);
  if (cursor.take(':')) return parseSubstring(within);
  return { operator: '', arguments: [] };
}

function parseReplacement(within: Within, operator: string): Operation {
  const { cursor, start } = within;
  const pattern = parseArgument(within, { stops: '/', escapes: true });
  if (takeMatch(cursor, slashes) === undefined) cursor.fail('bad substitution', start);
  if (cursor.char === '}') return { operator, arguments: [pattern] };
  return { operator, arguments: [pattern, parseArgument(within, { stops: '}', escapes: true })] };
}

function parseSubstring(within: Within): Operation {
  const { cursor } = within;
  const offset = parseArgument(within, { stops: ':}', escapes: false });
  if (takeMatch(cursor, colons) === undefined) return { operator: ':', arguments: [offset] };
  const length = parseArgument(within, { stops: '}', escapes: false });
  return { operator: ':', arguments: [offset, length] };
}

function parseExpansion(cursor: Cursor, depth: number): Expansion {
  const start = cursor.at;
  if (depth > maxDepth) cursor.fail(`more than ${maxDepth} nested expansions`, start);
  cursor.at += 2;
  const line = cursor.lineOf(start);
  const isLength = cursor.take('#');
  const name = takeMatch(cursor, namePattern);
  if (name === undefined) return cursor.fail('unable to parse variable name', start);
  const rest = isLength
    ? { operator: 'length', arguments: [] }
    : parseOperator({ cursor, start, depth });
  if (!cursor.take('}')) cursor.fail('missing closing brace', start);
  return { name, ...rest, line };
}

/**
 * Parses `${var}` expansions in the syntax of Flux's envsubst; `$$` stands for `$`.
 *
 * @throws SubstitutionError that shows the expression and its line
 * @see https://github.com/fluxcd/pkg/blob/main/envsubst/README.md
 */
export function parseTemplate(text: string): TemplateNode[] {
  const cursor = new Cursor(text);
  const nodes: TemplateNode[] = [];
  let textStart = 0;
  while (true) {
    const at = text.indexOf('$', cursor.at);
    if (at === -1) break;
    const next = text[at + 1];
    if (next !== '{' && next !== '$') {
      cursor.at = at + 1;
      continue;
    }
    if (at > textStart) nodes.push(text.slice(textStart, at));
    cursor.at = at;
    if (next === '{') nodes.push(parseExpansion(cursor, 0));
    else {
      nodes.push('$');
      cursor.at = at + 2;
    }
    textStart = cursor.at;
  }
  if (textStart < text.length) nodes.push(text.slice(textStart));
  return nodes;
}
