/** Text that is not in the syntax of `--set`. The message may hold parts of the text. */
export class StrvalsError extends Error {
  override name = 'StrvalsError';
}

/** Text up to one of the characters that end it. */
export interface StrvalsPart {
  text: string;
  /** The character that ended it, which is consumed; undefined at the end of the whole text. */
  end: string | undefined;
}

/** Reads text in the syntax of `--set`, in which a backslash takes its meaning from the next character. */
export class StrvalsReader {
  readonly #chars: string[];
  #at = 0;

  constructor(text: string) {
    this.#chars = Array.from(text);
  }

  /** Whether all of the text was read. */
  get atEnd(): boolean {
    return this.#at >= this.#chars.length;
  }

  /** Consumes the next character if it is the given one. */
  skip(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Reads up to the first of the given characters that no backslash stands before. */
  until(ends: string): StrvalsPart {
    const start = this.#at;
    let escaped = false;
    while (this.#at < this.#chars.length) {
      const char = this.#chars[this.#at] as string;
      if (ends.includes(char)) break;
      if (char === '\\') {
        escaped = true;
        this.#at++;
      }
      this.#at++;
    }
    const read = this.#chars.slice(start, this.#at);
    const text = (escaped ? unescaped(read) : read).join('');
    const end = this.#chars[this.#at];
    this.#at++;
    return { text, end };
  }
}

function unescaped(chars: string[]): string[] {
  const result: string[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] === '\\' ? chars[++at] : chars[at];
    if (char !== undefined) result.push(char);
  }
  return result;
}
