import { type FileHandle, open, rm } from 'node:fs/promises';
import { inlinePackBytes, type StoredPack } from './pack-source.ts';

/** Length of a packet in four hexadecimal digits, itself included; less than five says something else. */
const lengthDigits = 4;
const lengthPattern = /^[0-9a-f]{4}$/i;
/** First byte of the packets that hold a part of the pack. */
const packBand = 1;

/**
 * Takes the pack out of a server's answer while it arrives: a small one stays in memory, a large one goes to a file.
 * isomorphic-git, which reads the rest of the answer, would hold the pack in memory several times over.
 *
 * @see https://git-scm.com/docs/gitprotocol-pack#_packfile_data
 */
export class PackReceiver {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #inlineBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #file: FileHandle | undefined;
  #isOnDisk = false;

  /**
   * @param o.path where a large pack goes; the file must not exist
   * @param o.inlineBytes which pack is large
   */
  constructor(o: { path: string; maxBytes: number; inlineBytes?: number }) {
    this.#path = o.path;
    this.#maxBytes = o.maxBytes;
    this.#inlineBytes = o.inlineBytes ?? inlinePackBytes;
  }

  /**
   * Passes on what is no part of the pack.
   *
   * @throws RangeError as soon as the pack is over the limit
   */
  async *strip(answer: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    let pending: Buffer = Buffer.alloc(0);
    for await (const chunk of answer) {
      pending = Buffer.concat([pending, chunk]);
      let length = packetLength(pending);
      while (length !== undefined && length <= pending.length) {
        const packet = pending.subarray(0, length);
        pending = pending.subarray(length);
        if (packet.length > lengthDigits && packet[lengthDigits] === packBand) {
          await this.#take(packet.subarray(lengthDigits + 1));
        } else yield packet;
        length = packetLength(pending);
      }
    }
    if (pending.length > 0) yield pending;
  }

  /** Returns the pack; undefined when none came. */
  async finish(): Promise<StoredPack | undefined> {
    if (this.#file !== undefined) {
      await this.#file.close();
      this.#file = undefined;
      return { path: this.#path };
    }
    return this.#size === 0 ? undefined : { bytes: Buffer.concat(this.#chunks) };
  }

  /** Forgets what came. */
  async discard(): Promise<void> {
    this.#chunks = [];
    await this.#file?.close();
    this.#file = undefined;
    if (this.#isOnDisk) await rm(this.#path, { force: true });
  }

  async #take(part: Buffer): Promise<void> {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) {
      throw new RangeError(`the repository's pack is over the limit of ${this.#maxBytes} bytes`);
    }
    if (this.#file === undefined && this.#size > this.#inlineBytes) {
      this.#file = await open(this.#path, 'wx', 0o600);
      this.#isOnDisk = true;
      for (const earlier of this.#chunks.splice(0)) await this.#file.write(earlier);
    }
    if (this.#file === undefined) this.#chunks.push(part);
    else await this.#file.write(part);
  }
}

/** Undefined when too little has come; what is no packet is one of all that has. */
function packetLength(pending: Buffer): number | undefined {
  if (pending.length < lengthDigits) return undefined;
  const digits = pending.toString('latin1', 0, lengthDigits);
  if (!lengthPattern.test(digits)) return pending.length;
  return Math.max(lengthDigits, Number.parseInt(digits, 16));
}
