import { lex, type Token, type TokenKind } from './lex.ts';
import type { Command, Node, Operand, Pipeline } from './nodes.ts';
import { TemplateError } from './template-error.ts';

/** Actions and parentheses in each other. */
const maxDepth = 30;
/** Words of the language that are left out. */
const unsupported = ['define', 'template', 'block', 'break', 'continue'];

/**
 * Reads a template in the supported subset of Go's text/template.
 *
 * @param functions names of those that may be called
 * @throws TemplateError at what is wrong or not supported
 */
export function parse(text: string, functions: ReadonlySet<string>): Node[] {
  return new Parser(text, functions).run();
}

/** How a list of nodes has ended. */
interface End {
  type: 'end of text' | 'end' | 'else';
  token: Token;
}

class Parser {
  readonly #text: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: Token[];
  /** Those that may be named here. */
  #variables = [''];
  #next = 0;
  #depth = 0;

  constructor(text: string, functions: ReadonlySet<string>) {
    this.#text = text;
    this.#functions = functions;
    this.#tokens = lex(text);
  }

  run(): Node[] {
    const { nodes, end } = this.#list();
    if (end.type !== 'end of text') this.#fail(`unexpected {{${end.type}}}`, end.token);
    return nodes;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#next++;
  }

  #is(kind: TokenKind, value?: string): boolean {
    const token = this.#peek();
    return token.kind === kind && (value === undefined || token.value === value);
  }

  #fail(problem: string, token: Pick<Token, 'offset'> = this.#peek()): never {
    throw new TemplateError(this.#text, token.offset, problem);
  }

  #expect(kind: TokenKind, where: string): Token {
    this.#skipSpace();
    if (!this.#is(kind)) this.#fail(`unexpected ${shown(this.#peek())} in ${where}`);
    return this.#take();
  }

  #deeper<T>(token: Token, read: () => T): T {
    if (++this.#depth > maxDepth) this.#fail(`nested over ${maxDepth} deep`, token);
    const result = read();
    this.#depth--;
    return result;
  }

  #list(): { nodes: Node[]; end: End } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind === 'end of text') return { nodes, end: { type: 'end of text', token } };
      if (token.kind === 'text') {
        nodes.push({ type: 'text', text: token.value });
        continue;
      }
      this.#skipSpace();
      const word = this.#is('word') ? this.#peek().value : '';
      if (word === 'end' || word === 'else') {
        const keyword = this.#take();
        if (word === 'else') return { nodes, end: { type: 'else', token: keyword } };
        this.#expect('close', 'end');
        return { nodes, end: { type: 'end', token: keyword } };
      }
      nodes.push(this.#action(token, word));
    }
  }

  #action(open: Token, word: string): Node {
    if (unsupported.includes(word)) this.#fail(`{{${word}}} is not supported`);
    if (word === 'if' || word === 'with' || word === 'range') {
      this.#take();
      return this.#deeper(open, () => this.#control(word, open));
    }
    const pipeline = this.#pipeline('an action', 'close');
    return { type: 'action', offset: open.offset, pipeline };
  }

  #control(type: 'if' | 'with' | 'range', open: Token): Node {
    const known = this.#variables.length;
    const pipeline = this.#pipeline(type, 'close');
    const inside = this.#variables.length;
    const { nodes: body, end } = this.#list();
    this.#variables.length = inside;
    let otherwise: Node[] = [];
    if (end.type === 'end of text') this.#fail(`{{${type}}} has no {{end}}`, open);
    if (end.type === 'else') otherwise = this.#otherwise(type, open, end.token);
    this.#variables.length = known;
    return { type, offset: open.offset, pipeline, body, otherwise };
  }

  #otherwise(type: 'if' | 'with' | 'range', open: Token, token: Token): Node[] {
    this.#skipSpace();
    // `else if` is an `if` in the `else`, whose end is that of both.
    if (type !== 'range' && this.#is('word', type)) {
      this.#take();
      return [this.#deeper(token, () => this.#control(type, token))];
    }
    this.#expect('close', 'else');
    const { nodes, end } = this.#list();
    if (end.type === 'end of text') this.#fail(`{{${type}}} has no {{end}}`, open);
    if (end.type === 'else') this.#fail('expected {{end}}, not another {{else}}', end.token);
    return nodes;
  }

  #pipeline(where: string, end: 'close' | ')'): Pipeline {
    this.#skipSpace();
    const { offset } = this.#peek();
    const { variables, assigns } =
      end === ')' ? { variables: [], assigns: false } : this.#declaration(where);
    const commands: Command[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#is(end)) break;
      commands.push(this.#command(where));
      if (this.#is('|')) {
        this.#take();
        this.#skipSpace();
        if (this.#is(end)) this.#fail(`missing value for ${where}`);
      }
    }
    const [first, ...more] = commands;
    if (first === undefined) this.#fail(`missing value for ${where}`);
    for (const { operands } of more) {
      const [head] = operands;
      if (head.type !== 'function') {
        this.#fail('only a function can stand behind |', head);
      }
    }
    this.#take();
    if (!assigns) this.#variables.push(...variables);
    return { offset, variables, assigns, commands: [first, ...more] };
  }

  /** Takes `$name :=`, `$name =`, or of a range `$key, $value :=`; leaves a variable that is only read. */
  #declaration(where: string): { variables: string[]; assigns: boolean } {
    const start = this.#next;
    const variables: string[] = [];
    while (this.#is('variable')) {
      variables.push(this.#take().value);
      this.#skipSpace();
      if (this.#is(':=') || this.#is('=')) {
        const assigns = this.#take().kind === '=';
        if (assigns && where === 'range') this.#fail('range sets new variables only, with :=');
        if (variables.includes('')) this.#fail('$ cannot be set', this.#tokens[start]);
        const unknown = assigns && variables.find((name) => !this.#variables.includes(name));
        if (unknown) this.#fail(`undefined variable $${unknown}`, this.#tokens[start]);
        return { variables, assigns };
      }
      if (where !== 'range' || variables.length > 1 || !this.#is(',')) break;
      this.#take();
      this.#skipSpace();
    }
    this.#next = start;
    return { variables: [], assigns: false };
  }

  #command(where: string): Command {
    const operands: Operand[] = [];
    const { offset } = this.#peek();
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand === undefined) break;
      operands.push(operand);
      if (!this.#is('space')) break;
    }
    const token = this.#peek();
    const [first, ...more] = operands;
    const isEnd = ['close', ')', '|'].includes(token.kind);
    if (!isEnd || first === undefined) this.#fail(`unexpected ${shown(token)} in ${where}`);
    return { offset, operands: [first, ...more] };
  }

  #operand(): Operand | undefined {
    const token = this.#peek();
    const { offset } = token;
    switch (token.kind) {
      case 'dot':
        this.#take();
        return this.#plain({ type: 'dot', offset });
      case 'string':
        this.#take();
        return this.#plain({ type: 'literal', offset, value: token.value });
      case 'integer':
        this.#take();
        return this.#plain({ type: 'literal', offset, value: Number(token.value) });
      case 'field':
        return { type: 'field', offset, fields: this.#fields() };
      case 'variable':
        return this.#variable();
      case 'word':
        return this.#plain(this.#word());
      case '(':
        return this.#parenthesis();
      default:
        return undefined;
    }
  }

  #fields(): string[] {
    const fields: string[] = [];
    while (this.#is('field')) fields.push(this.#take().value);
    return fields;
  }

  #plain<T extends Operand>(operand: T): T {
    if (this.#is('field') || this.#is('dot')) this.#fail(`unexpected ${shown(this.#peek())}`);
    return operand;
  }

  #variable(): Operand {
    const { value: name, offset } = this.#take();
    if (!this.#variables.includes(name)) this.#fail(`undefined variable $${name}`, { offset });
    return { type: 'variable', offset, name, fields: this.#fields() };
  }

  #word(): Operand {
    const { value: name, offset } = this.#take();
    if (name === 'true' || name === 'false')
      return { type: 'literal', offset, value: name === 'true' };
    if (name === 'nil') return { type: 'nil', offset };
    if (this.#functions.has(name)) return { type: 'function', offset, name };
    this.#fail(`the function ${JSON.stringify(name)} is not known here`, { offset });
  }

  #parenthesis(): Operand {
    const open = this.#take();
    const pipeline = this.#deeper(open, () => this.#pipeline('parentheses', ')'));
    return { type: 'pipeline', offset: open.offset, pipeline, fields: this.#fields() };
  }
}

function shown({ kind, value }: Token): string {
  if (kind === 'close') return '}}';
  if (kind === 'open') return '{{';
  if (kind === 'field') return `.${value}`;
  if (kind === 'variable') return `$${value}`;
  return kind === 'end of text' ? kind : JSON.stringify(value);
}
