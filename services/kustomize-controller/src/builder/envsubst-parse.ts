/** A parsed template: literal text and expansions of variables. */
export type TemplateNode = string | Expansion;

/** `${name}` or `${name<operator><arguments>}`; each argument is a template of its own. */
export interface Expansion {
  name: string;
  operator: string;
  arguments: TemplateNode[][];
  /** Line of the template on which it starts, from 1. */
  line: number;
}

/** A template that cannot be read, or a variable that is missing. The message never holds a value. */
export class SubstitutionError extends Error {
  override name = 'SubstitutionError';
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
    const shown = this.text.slice(start, start + 40).split('\n')[0];
    throw new SubstitutionError(
      `${what} in '${shown}' (line ${this.lineOf(start)} of the object): write $\${ for a literal \${`,
    );
  }
}

interface ArgumentRules {
  /** Characters that end the argument. */
  stops: string;
  /** Whether `$$` stands for `$`, and `\/` and `\\` for the character after the backslash. */
  escapes: boolean;
}

function parseArgument(cursor: Cursor, rules: ArgumentRules, depth: number): TemplateNode[] {
  const nodes: TemplateNode[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') nodes.push(text);
    text = '';
  };
  while (cursor.at < cursor.text.length) {
    if (cursor.startsWith('${')) {
      flush();
      nodes.push(parseExpansion(cursor, depth + 1));
      continue;
    }
    const next = cursor.text[cursor.at + 1];
    const escaped =
      (cursor.char === '$' && next === '$') ||
      (cursor.char === '\\' && (next === '/' || next === '\\'));
    if (rules.escapes && escaped) cursor.at++;
    else if (rules.stops.includes(cursor.char)) break;
    text += cursor.char;
    cursor.at++;
  }
  flush();
  return nodes;
}

const defaultOperator = /:[=\-?+]|[=-]/y;
const casingOperator = /\^\^?|,,?/y;
const removeOperator = /##?|%%?/y;
const replaceOperator = /\/[/#%]?/y;

function takeMatch(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text)?.[0];
  if (match !== undefined) cursor.at += match.length;
  return match;
}

function parseOperator(
  cursor: Cursor,
  start: number,
  depth: number,
): Pick<Expansion, 'operator' | 'arguments'> {
  const argument = (stops: string, escapes = false) =>
    parseArgument(cursor, { stops, escapes }, depth);
  const byDefault = takeMatch(cursor, defaultOperator);
  if (byDefault !== undefined) return { operator: byDefault, arguments: [argument('}')] };
  const casing = takeMatch(cursor, casingOperator);
  if (casing !== undefined) return { operator: casing, arguments: [] };
  const remove = takeMatch(cursor, removeOperator);
  if (remove !== undefined) return { operator: remove, arguments: [argument('}')] };
  const replace = takeMatch(cursor, replaceOperator);
  if (replace !== undefined) {
    const pattern = argument('/', true);
    if (!cursor.take('/')) cursor.fail('bad substitution', start);
    const replacement = cursor.char === '}' ? [] : [argument('}', true)];
    return { operator: replace, arguments: [pattern, ...replacement] };
  }
  if (cursor.take(':')) {
    const offset = argument(':}');
    if (offset.length === 0) cursor.fail('bad substitution', start);
    return {
      operator: ':',
      arguments: cursor.take(':') ? [offset, argument('}')] : [offset],
    };
  }
  return { operator: '', arguments: [] };
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
    : parseOperator(cursor, start, depth);
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
