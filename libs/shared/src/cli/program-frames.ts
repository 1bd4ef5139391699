import { parseJson } from '@sluice/shared/base';

/** A frame that cannot be taken: it is longer than allowed, or holds no JSON. */
export class FrameError extends Error {
  override name = 'FrameError';
  readonly tooLong: boolean;
  constructor(message: string, tooLong: boolean) {
    super(message);
    this.tooLong = tooLong;
  }
}

const headBytes = 4;

/**
 * Puts a value into a frame: four bytes with the length of what follows, the highest first, and its JSON.
 *
 * @returns what to write
 */
export function encodeFrame(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  const frame = Buffer.allocUnsafe(headBytes + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, headBytes);
  return frame;
}

/** Puts frames together from the chunks in which they arrive. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param maxBytes of the body of a frame */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes a chunk.
   *
   * @returns the values of the frames that are complete now
   * @throws FrameError; nothing that follows can be read then
   */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const values: unknown[] = [];
    for (let body = this.#next(); body !== undefined; body = this.#next()) values.push(parse(body));
    return values;
  }

  #next(): Buffer | undefined {
    if (this.#bytes < headBytes) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < headBytes) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = this.#chunks[0]?.readUInt32BE(0) ?? 0;
    if (length > this.#maxBytes)
      throw new FrameError(
        `a frame of ${length} bytes is over the limit of ${this.#maxBytes}`,
        true,
      );
    const end = headBytes + length;
    if (this.#bytes < end) return undefined;
    // Joined once a frame is complete, so that a long one is not copied with each chunk.
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length > end ? [all.subarray(end)] : [];
    this.#bytes -= end;
    return all.subarray(headBytes, end);
  }
}

function parse(body: Buffer): unknown {
  try {
    return parseJson(body.toString());
  } catch {
    // What it holds could be the input's.
    throw new FrameError('a frame holds no JSON', false);
  }
}
