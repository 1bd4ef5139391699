/** Where a text is in a {@link TextStore}, in bytes. */
export interface TextPlace {
  start: number;
  end: number;
}

const blockBytes = 1024 * 1024;

/** Texts outside of the heap of JavaScript: however many there are, a collection of garbage does not visit them. */
export class TextStore {
  readonly #blocks: Buffer[] = [];
  #end = 0;

  /** Adds a text as UTF-8. */
  add(text: string): TextPlace {
    const start = this.#end;
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      const used = this.#end % blockBytes;
      if (used === 0) this.#blocks.push(Buffer.allocUnsafeSlow(blockBytes));
      const copied = bytes.copy(this.#blocks.at(-1) as Buffer, used, at);
      at += copied;
      this.#end += copied;
    }
    return { start, end: this.#end };
  }

  /** The parts of a text, without a copy. */
  *read({ start, end }: TextPlace): Generator<Buffer> {
    for (let at = start; at < end; ) {
      const block = Math.floor(at / blockBytes);
      const until = Math.min(end, (block + 1) * blockBytes);
      const base = block * blockBytes;
      yield (this.#blocks[block] as Buffer).subarray(at - base, until - base);
      at = until;
    }
  }
}
