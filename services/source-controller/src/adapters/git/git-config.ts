// Own code because no library reads it: isomorphic-git has a reader of its own configuration inside, which knows
// neither quotes in the middle of values nor lines that go on, and takes what git refuses.

/** A variable, such as `path` of `[submodule "lib"]`. */
export interface GitVariable {
  /** In lower case; empty before the first one. */
  section: string;
  /** As it is written; undefined when there is none. */
  subsection: string | undefined;
  /** In lower case. */
  name: string;
  /** Undefined when it is only named, which stands for true. */
  value: string | undefined;
}

/** A text that git would not read as configuration; the message continues a sentence about it. */
export class GitConfigError extends Error {
  override name = 'GitConfigError';
}

const byteOrderMark = '\ufeff';
const escapes: Record<string, string> = { n: '\n', t: '\t', b: '\b', '"': '"', '\\': '\\' };

/**
 * Reads a file in the syntax of git's configuration, in the order of its lines.
 *
 * @throws GitConfigError that names the line
 * @see https://git-scm.com/docs/git-config#_syntax
 */
export function parseGitConfig(text: string): GitVariable[] {
  return new Parser(text).variables();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #section: Pick<GitVariable, 'section' | 'subsection'> = { section: '', subsection: undefined };

  constructor(text: string) {
    const start = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
    this.#text = text.slice(start).replaceAll('\r\n', '\n');
  }

  variables(): GitVariable[] {
    const found: GitVariable[] = [];
    for (let char = this.#next(); char !== ''; char = this.#next()) {
      if (char === '#' || char === ';') this.#skipLine();
      else if (char === '[') this.#section = this.#header();
      else if (isLetter(char)) found.push(this.#variable(char));
      else if (!isSpace(char)) throw this.#wrong();
    }
    return found;
  }

  /** Empty at the end. */
  #next(): string {
    const char = this.#text[this.#at++] ?? '';
    if (char === '\n') this.#line++;
    return char;
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #header(): Pick<GitVariable, 'section' | 'subsection'> {
    let section = '';
    for (;;) {
      const char = this.#next();
      if (char === ']') return { section, subsection: undefined };
      if (isSpace(char) && char !== '\n') return { section, subsection: this.#subsection() };
      if (!isKeyCharacter(char) && char !== '.') throw this.#wrong();
      section += char.toLowerCase();
    }
  }

  #subsection(): string {
    let char = this.#next();
    while (isSpace(char) && char !== '\n') char = this.#next();
    if (char !== '"') throw this.#wrong();
    let name = '';
    for (char = this.#next(); char !== '"'; char = this.#next()) {
      if (char === '\\') char = this.#next();
      if (char === '' || char === '\n') throw this.#wrong();
      name += char;
    }
    if (this.#next() !== ']') throw this.#wrong();
    return name;
  }

  #variable(first: string): GitVariable {
    let name = first.toLowerCase();
    let char = this.#next();
    for (; isKeyCharacter(char); char = this.#next()) name += char.toLowerCase();
    while (char === ' ' || char === '\t') char = this.#next();
    if (char === '' || char === '\n') return { ...this.#section, name, value: undefined };
    if (char !== '=') throw this.#wrong();
    return { ...this.#section, name, value: this.#value() };
  }

  #value(): string {
    let value = '';
    /** Length without the spaces at the end. */
    let length = 0;
    let isQuoted = false;
    for (let char = this.#next(); char !== '' && char !== '\n'; char = this.#next()) {
      if (!isQuoted && isSpace(char)) {
        if (value !== '') value += char;
        continue;
      }
      if (!isQuoted && (char === '#' || char === ';')) {
        this.#skipLine();
        continue;
      }
      if (char === '"') isQuoted = !isQuoted;
      else value += char === '\\' ? this.#escaped() : char;
      length = value.length;
    }
    if (isQuoted) throw this.#wrong();
    return value.slice(0, length);
  }

  #escaped(): string {
    const char = this.#next();
    // The line goes on, or the file ends.
    if (char === '\n' || char === '') return '';
    const meant = escapes[char];
    if (meant === undefined) throw this.#wrong();
    return meant;
  }

  #wrong(): GitConfigError {
    // The last character read may have been the end of the line.
    const line = this.#text[this.#at - 1] === '\n' ? this.#line - 1 : this.#line;
    return new GitConfigError(`is not in git's syntax in line ${line}`);
  }
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}

function isLetter(char: string): boolean {
  return /^[a-z]$/i.test(char);
}

function isKeyCharacter(char: string): boolean {
  return /^[a-z0-9-]$/i.test(char);
}
