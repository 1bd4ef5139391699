/** Takes the parts of an index, each as soon as it is complete. False ends it: the index has to be parsed as a whole. */
export interface IndexSink {
  /** The line with the name of the chart to which the versions that follow belong. */
  chart(key: string): boolean;
  /** A list with one version. */
  version(text: string): boolean;
}

const keyLine = /^entries:\s*$/;
/** A name alone, with or without quotes: what has a value beside it is not cut up. */
const chartLine = /^ *(?:[A-Za-z0-9._-]+|"[A-Za-z0-9._-]+"|'[A-Za-z0-9._-]+'):\s*$/;
const itemLine = /^ *-(?:\s|$)/;
const skipped = /^\s*(?:#.*)?$/;
/** What would make a line mean something else: more than one document, directives, tabs as indentation. */
const unusual = /^(?:---|\.\.\.|%| *\t)/;

function indentOf(line: string): number {
  let indent = 0;
  while (line[indent] === ' ') indent++;
  return indent;
}

/**
 * Cuts an index in the block style that Helm and all servers write into its charts and their versions, by indentation
 * alone and line by line, so that a large one never is in memory as a whole.
 *
 * A text that is cut wrongly, such as one whose quoted strings go on at the start of a line, does not parse in parts.
 */
export class IndexSplitter {
  readonly #sink: IndexSink;
  readonly #head: string[] = [];
  #isFirst = true;
  #hasChart = false;
  #inEntries = false;
  #seenEntries = false;
  /** Indentation of the charts' names, and of the versions of the current one. */
  #chartIndent = -1;
  #itemIndent = -1;
  /** Lines of the current version. */
  #item: string[] = [];

  constructor(sink: IndexSink) {
    this.#sink = sink;
  }

  /**
   * Takes the next line, with its end.
   *
   * @returns false when the index has another form
   */
  take(line: string): boolean {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (isFirst && line.trimEnd() === '---') return true;
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

  /**
   * Ends the index.
   *
   * @returns what stands outside of `entries`; undefined when the index has another form
   */
  finish(): string | undefined {
    return this.#endItem() && this.#seenEntries ? this.#head.join('') : undefined;
  }

  #takeTop(line: string): boolean {
    if (!this.#endItem()) return false;
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
    if (!this.#hasChart) return false;
    if (this.#itemIndent < 0) this.#itemIndent = indent;
    if (indent < this.#itemIndent) return false;
    if (indent === this.#itemIndent && !(isItem && this.#endItem())) return false;
    this.#item.push(line);
    return true;
  }

  #startChart(line: string): boolean {
    if (!chartLine.test(line) || !this.#endItem()) return false;
    this.#itemIndent = -1;
    this.#hasChart = true;
    return this.#sink.chart(line.trim().slice(0, -1).trim());
  }

  #endItem(): boolean {
    const item = this.#item;
    this.#item = [];
    if (item.every((line) => skipped.test(line))) return true;
    // Lines before the first chart belong to none.
    return this.#hasChart && this.#sink.version(item.join(''));
  }
}
