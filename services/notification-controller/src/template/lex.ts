import { TemplateError } from './template-error.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'word'
  | 'field'
  | 'variable'
  | 'dot'
  | 'string'
  | 'integer'
  | '|'
  | '('
  | ')'
  | ','
  | ':='
  | '='
  | 'end of text';

export interface Token {
  kind: TokenKind;
  /** Of a string what it stands for, of a field and a variable the name without `.` or `$`. */
  value: string;
  /** In the text of the template. */
  offset: number;
}

const spaces = ' \t\r\n';
const wordPattern = /[\p{L}\p{Nd}_]+/uy;
const integerPattern = /[+-]?(?:0|[1-9][0-9]*)/y;
const commentPattern = /\{\{(-[ \t\r\n])?\/\*[\s\S]*?\*\/([ \t\r\n]-)?\}\}/y;
const stringPattern = /"(?:[^"\\\n]|\\[^\n])*"/y;
const rawStringPattern = /`[^`]*`/y;
const escapePattern =
  /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gu;
const simpleEscapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};
/** What may follow a word, a field or a variable. */
const terminators = `${spaces}.,|:)(`;

/**
 * Splits a template into tokens, in the syntax of Go's text/template.
 *
 * @throws TemplateError at what is no token, or one that is not supported
 */
export function lex(text: string): Token[] {
  return new Lexer(text).run();
}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #trimsNext = false;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Token[] {
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf('{{', this.#at);
      this.#literal(open < 0 ? this.#text.length : open);
      if (open >= 0) this.#actionOrComment();
    }
    this.#push('end of text', '', this.#text.length);
    return this.#tokens;
  }

  #push(kind: TokenKind, value: string, offset: number): void {
    this.#tokens.push({ kind, value, offset });
  }

  #fail(problem: string, offset = this.#at): never {
    throw new TemplateError(this.#text, offset, problem);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text);
  }

  /** Takes the text up to an action, without the spaces that the actions around it trim. */
  #literal(end: number): void {
    const trimsEnd = /^\{\{-[ \t\r\n]/.test(this.#text.slice(end, end + 4));
    let value = this.#text.slice(this.#at, end);
    if (this.#trimsNext) value = value.replace(/^[ \t\r\n]+/, '');
    if (trimsEnd) value = trimmedEnd(value);
    if (value !== '') this.#push('text', value, this.#at);
    this.#at = end;
    this.#trimsNext = false;
  }

  #actionOrComment(): void {
    const comment = this.#match(commentPattern);
    if (comment !== null) {
      this.#at += comment[0].length;
      this.#trimsNext = comment[2] !== undefined;
      return;
    }
    const start = this.#at;
    const isTrimmed = /^\{\{-[ \t\r\n]/.test(this.#text.slice(start, start + 4));
    this.#at += isTrimmed ? 3 : 2;
    if (/^\s*\/\*/.test(this.#text.slice(this.#at, this.#at + 3))) {
      this.#fail('a comment has to fill its braces, as {{/* … */}}', start);
    }
    this.#push('open', '', start);
    while (!this.#close()) this.#token(start);
  }

  /** Ends the action if its end is here. */
  #close(): boolean {
    const end = this.#match(/(?:[ \t\r\n]+-)?\}\}/y);
    if (end === null) return false;
    this.#trimsNext = end[0].length > 2;
    this.#push('close', '', this.#at);
    this.#at += end[0].length;
    return true;
  }

  #token(start: number): void {
    const char = this.#text[this.#at];
    if (char === undefined) this.#fail('the action that begins here has no end', start);
    const offset = this.#at;
    if (spaces.includes(char)) {
      while (spaces.includes(this.#text[this.#at] ?? '-') && !this.#isAtTrimmedEnd()) this.#at++;
      this.#push('space', ' ', offset);
    } else if (char === '|' || char === '(' || char === ')' || char === ',' || char === '=') {
      this.#at++;
      this.#push(char, char, offset);
    } else if (this.#text.startsWith(':=', offset)) {
      this.#at += 2;
      this.#push(':=', ':=', offset);
    } else if (char === '.' || char === '$') this.#fieldOrVariable(char);
    else if (char === '"') this.#string();
    else if (char === '`') this.#rawString();
    else this.#wordOrNumber();
  }

  #isAtTrimmedEnd(): boolean {
    return this.#match(/[ \t\r\n]+-\}\}/y) !== null;
  }

  #fieldOrVariable(mark: '.' | '$'): void {
    const offset = this.#at++;
    const name = this.#match(wordPattern)?.[0];
    if (mark === '.' && name !== undefined && /^[0-9]/.test(name)) {
      this.#fail('numbers with a fraction are not supported', offset);
    }
    this.#at += name?.length ?? 0;
    this.#expectTerminator();
    if (mark === '$') this.#push('variable', name ?? '', offset);
    else if (name === undefined) this.#push('dot', '.', offset);
    else this.#push('field', name, offset);
  }

  #expectTerminator(): void {
    const char = this.#text[this.#at] ?? ' ';
    if (terminators.includes(char) || this.#text.startsWith('}}', this.#at)) return;
    this.#fail(`unexpected ${JSON.stringify(char)}`);
  }

  #string(): void {
    const found = this.#match(stringPattern)?.[0];
    if (found === undefined) this.#fail('the text that begins here has no closing quote');
    const offset = this.#at;
    const value = found
      .slice(1, -1)
      .replace(escapePattern, (sequence: string, ...groups: string[]) => {
        const [byte, short, long, octal, simple = ''] = groups;
        const code = Number.parseInt(byte ?? octal ?? short ?? long ?? '', octal ? 8 : 16);
        if (Number.isNaN(code))
          return simpleEscapes[simple] ?? this.#fail(`unknown escape ${sequence}`);
        const isByte = byte !== undefined || octal !== undefined;
        // Bytes above ASCII need not make a text.
        const isCharacter = isByte
          ? code < 0x80
          : code < 0xd800 || (code > 0xdfff && code < 0x110000);
        return isCharacter ? String.fromCodePoint(code) : this.#fail(`${sequence} is no character`);
      });
    this.#at += found.length;
    this.#push('string', value, offset);
  }

  #rawString(): void {
    const found = this.#match(rawStringPattern)?.[0];
    if (found === undefined) this.#fail('the text that begins here has no closing backquote');
    this.#push('string', found.slice(1, -1).replaceAll('\r', ''), this.#at);
    this.#at += found.length;
  }

  #wordOrNumber(): void {
    const offset = this.#at;
    const integer = this.#match(integerPattern)?.[0];
    if (integer !== undefined) {
      this.#at += integer.length;
      const next = this.#text[this.#at] ?? ' ';
      if (!`${spaces},|)}`.includes(next) || !Number.isSafeInteger(Number(integer))) {
        this.#fail('only integers in decimal form are supported as numbers', offset);
      }
      this.#push('integer', integer, offset);
      return;
    }
    const word = this.#match(wordPattern)?.[0];
    if (word === undefined || /^\p{Nd}/u.test(word)) {
      const char = String.fromCodePoint(this.#text.codePointAt(offset) ?? 0);
      this.#fail(`unexpected ${JSON.stringify(char)}`);
    }
    this.#at += word.length;
    this.#expectTerminator();
    this.#push('word', word, offset);
  }
}

function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && spaces.includes(text[end - 1] as string)) end--;
  return text.slice(0, end);
}
