/** The parts of an index that can be parsed one by one; nothing of it is parsed yet. */
export interface IndexParts {
  /** What stands outside of `entries`. */
  head: string;
  charts: {
    /** The line with the name. */
    key: string;
    /** The list of versions, one text for each. */
    versions: string[];
  }[];
}

const keyLine = /^entries:\s*$/;
/** A name alone, with or without quotes: what has a value beside it is not cut up. */
const chartLine = /^ *(?:[A-Za-z0-9._-]+|"[A-Za-z0-9._-]+"|'[A-Za-z0-9._-]+'):\s*$/;
const itemLine = /^ *-(?:\s|$)/;
const skipped = /^\s*(?:#.*)?$/;
/** What would make a line mean something else: more than one document, directives, tabs as indentation. */
const unusual = /^(?:---|\.\.\.|%| *\t)/;

/**
 * Cuts an index in the block style that Helm and all servers write into its charts and their versions, by indentation
 * alone, so that a large one never has to be parsed as a whole.
 *
 * A text that is cut wrongly, such as one whose quoted strings go on at the start of a line, does not parse in parts.
 *
 * @returns undefined when it has another form
 */
export function splitIndex(text: string): IndexParts | undefined {
  const cut = new Cut();
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    const line = text.slice(start, end);
    if (!(start === 0 && line.trimEnd() === '---') && !cut.take(line)) return undefined;
    start = end;
  }
  return cut.finish();
}

function indentOf(line: string): number {
  let indent = 0;
  while (line[indent] === ' ') indent++;
  return indent;
}

class Cut {
  readonly #head: string[] = [];
  readonly #charts: IndexParts['charts'] = [];
  #inEntries = false;
  #seenEntries = false;
  /** Indentation of the charts' names, and of the versions of the current one. */
  #chartIndent = -1;
  #itemIndent = -1;
  /** Lines of the current version. */
  #item: string[] = [];

  /** False when the line does not fit the form. */
  take(line: string): boolean {
    if (unusual.test(line)) return false;
    const isSkipped = skipped.test(line);
    const indent = isSkipped ? -1 : indentOf(line);
    if (indent === 0) return this.#takeTop(line);
    if (!this.#inEntries) this.#head.push(line);
    // An empty line may be part of a text in a version.
    else if (isSkipped) this.#item.push(line);
    else return this.#takeInside(line, indent);
    return true;
  }

  finish(): IndexParts | undefined {
    this.#endItem();
    if (!this.#seenEntries) return undefined;
    return { head: this.#head.join(''), charts: this.#charts };
  }

  #takeTop(line: string): boolean {
    this.#endItem();
    this.#inEntries = keyLine.test(line);
    if (!this.#inEntries) {
      this.#head.push(line);
      return true;
    }
    if (this.#seenEntries) return false;
    this.#seenEntries = true;
    return true;
  }

  #takeInside(line: string, indent: number): boolean {
    if (this.#chartIndent < 0) this.#chartIndent = indent;
    if (indent < this.#chartIndent) return false;
    const isItem = itemLine.test(line);
    if (indent === this.#chartIndent && !isItem) return this.#startChart(line);
    if (this.#charts.length === 0) return false;
    if (this.#itemIndent < 0) this.#itemIndent = indent;
    if (indent < this.#itemIndent) return false;
    if (indent === this.#itemIndent) {
      if (!isItem) return false;
      this.#endItem();
    }
    this.#item.push(line);
    return true;
  }

  #startChart(line: string): boolean {
    if (!chartLine.test(line)) return false;
    this.#endItem();
    this.#itemIndent = -1;
    this.#charts.push({ key: line.trim().slice(0, -1).trim(), versions: [] });
    return true;
  }

  #endItem(): void {
    const item = this.#item;
    this.#item = [];
    if (item.every((line) => skipped.test(line))) return;
    this.#charts.at(-1)?.versions.push(item.join(''));
  }
}
