import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { inflateSync } from 'node:zlib';
import { errorMessage, LruBytes } from '@sluice/shared/base';
import { applyDelta } from './delta.ts';
import { type ObjectType, type PackEntry, readEntry } from './pack-entry.ts';
import { PackError } from './pack-error.ts';
import type { PackSource } from './pack-source.ts';

export interface GitObject {
  type: ObjectType;
  content: Buffer;
}

/** Bounds of what a pack may make us do. */
export interface PackLimits {
  maxObjects: number;
  /** Bytes of one object. */
  maxObjectBytes: number;
  /** Bytes of all objects, decompressed. */
  maxTotalBytes: number;
}

export const defaultPackLimits: PackLimits = {
  maxObjects: 2_000_000,
  maxObjectBytes: 256 * 1024 * 1024,
  maxTotalBytes: 2 * 1024 * 1024 * 1024,
};

const headerBytes = 12;
const trailerBytes = 20;
/** Git makes chains of at most 50, and allows 4095. */
const maxChain = 4095;
const cacheBytes = 64 * 1024 * 1024;
/** Longest time, in milliseconds, for which the event loop is held up. */
const sliceMs = 5;

/**
 * Reads the objects of a pack by their names. Every object is decompressed once while opening, so that its name
 * is computed from its content; nothing of what the server claims is trusted, and nothing exceeds the limits.
 *
 * Own code because isomorphic-git, which fetched the pack, decompresses without limits, and rebuilds every base of
 * a delta for each object: it took 7 s for 10,000 manifests, 0.6 s are enough to fetch, read and pack them.
 *
 * A large pack belongs in a worker thread, since its file is read synchronously.
 *
 * @see https://git-scm.com/docs/pack-format
 */
export class PackReader {
  readonly #source: PackSource;
  readonly #limits: PackLimits;
  readonly #entries = new Map<number, PackEntry>();
  readonly #offsets = new Map<string, number>();
  readonly #cache = new LruBytes<GitObject>(cacheBytes);
  #totalBytes = 0;

  private constructor(source: PackSource, limits: PackLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /**
   * Reads and checks the whole pack, pausing now and then for whatever else the thread has to do.
   *
   * @throws PackError when it is damaged or over a limit
   */
  static async open(
    source: PackSource,
    limits: PackLimits = defaultPackLimits,
  ): Promise<PackReader> {
    const reader = new PackReader(source, limits);
    const count = reader.#readCount();
    reader.#checkTrailer();
    const waiting = await reader.#scan(count);
    reader.#resolve(waiting);
    return reader;
  }

  /** Number of objects. */
  get size(): number {
    return this.#offsets.size;
  }

  /**
   * Returns an object.
   *
   * @throws PackError when the pack does not have it
   */
  get(oid: string): GitObject {
    const offset = this.#offsets.get(oid);
    if (offset === undefined) throw new PackError(`object ${oid} is missing`);
    return this.#read(offset);
  }

  #readCount(): number {
    const head = this.#source.slice(0, headerBytes);
    if (head.length < headerBytes || head.toString('latin1', 0, 4) !== 'PACK') {
      throw new PackError('it does not start like a pack');
    }
    const version = head.readUInt32BE(4);
    if (version !== 2 && version !== 3) throw new PackError(`version ${version} is not known`);
    const count = head.readUInt32BE(8);
    if (count > this.#limits.maxObjects) {
      throw new PackError(`it has ${count} objects, the limit is ${this.#limits.maxObjects}`);
    }
    return count;
  }

  /** Reads all entries; returns the offsets of deltas whose base comes later. */
  async #scan(count: number): Promise<number[]> {
    const waiting: number[] = [];
    let offset = headerBytes;
    let resumedAt = performance.now();
    for (let index = 0; index < count; index++) {
      if (performance.now() - resumedAt > sliceMs) {
        await setImmediate();
        resumedAt = performance.now();
      }
      const entry = readEntry(this.#source, offset, this.#limits.maxObjectBytes);
      this.#totalBytes += entry.size;
      if (this.#totalBytes > this.#limits.maxTotalBytes) this.#tooLarge();
      const { content, consumed } = this.#inflate(entry);
      this.#entries.set(offset, entry);
      if (!this.#learn(offset, entry, content)) waiting.push(offset);
      offset = entry.data + consumed;
    }
    if (offset !== this.#source.length - trailerBytes) {
      throw new PackError('its length does not fit its content');
    }
    return waiting;
  }

  #tooLarge(): never {
    throw new PackError(`it unpacks to more than ${this.#limits.maxTotalBytes} bytes`);
  }

  #checkTrailer(): void {
    const hasher = createHash('sha1');
    const end = this.#source.length - trailerBytes;
    const step = 1024 * 1024;
    for (let at = 0; at < end; at += step) {
      hasher.update(this.#source.slice(at, Math.min(step, end - at)));
    }
    if (!hasher.digest().equals(this.#source.slice(end, trailerBytes))) {
      throw new PackError('its checksum is wrong');
    }
  }

  #resolve(deltas: number[]): void {
    let waiting = deltas;
    while (waiting.length > 0) {
      const left = waiting.filter((offset) => {
        const entry = this.#entries.get(offset) as PackEntry;
        return !this.#learn(offset, entry, undefined);
      });
      if (left.length === waiting.length) {
        throw new PackError(`${left.length} deltas have no base`);
      }
      waiting = left;
    }
  }

  /** Computes an object's name; false when its base is not known yet. */
  #learn(offset: number, entry: PackEntry, content: Buffer | undefined): boolean {
    if (entry.type === 'name-delta' && !this.#offsets.has(entry.base as string)) return false;
    if (entry.type === 'offset-delta' && !this.#isResolved(entry.base as number)) return false;
    const object = this.#build(offset, entry, content, 0);
    const head = Buffer.from(`${object.type} ${object.content.length}\0`);
    this.#offsets.set(hash('sha1', Buffer.concat([head, object.content]), 'hex'), offset);
    this.#resolved.add(offset);
    return true;
  }

  readonly #resolved = new Set<number>();
  #isResolved(offset: number): boolean {
    if (!this.#entries.has(offset)) throw new PackError('a delta has no base');
    return this.#resolved.has(offset);
  }

  #read(offset: number, chain = 0): GitObject {
    const cached = this.#cache.get(String(offset));
    if (cached !== undefined) return cached;
    const entry = this.#entries.get(offset) as PackEntry;
    return this.#build(offset, entry, undefined, chain);
  }

  #build(offset: number, entry: PackEntry, content: Buffer | undefined, chain: number): GitObject {
    if (chain > maxChain) throw new PackError(`a chain of deltas is longer than ${maxChain}`);
    const data = content ?? this.#inflate(entry).content;
    const object = this.#isDelta(entry)
      ? this.#undelta(entry, data, chain)
      : { type: entry.type, content: data };
    this.#cache.set(String(offset), object as GitObject, object.content.length + 64);
    return object as GitObject;
  }

  #isDelta(entry: PackEntry): boolean {
    return entry.type === 'offset-delta' || entry.type === 'name-delta';
  }

  #undelta(entry: PackEntry, delta: Buffer, chain: number): GitObject {
    const at =
      typeof entry.base === 'string' ? this.#offsets.get(entry.base) : (entry.base as number);
    if (at === undefined) throw new PackError(`object ${entry.base} is missing`);
    const base = this.#read(at, chain + 1);
    const content = applyDelta(base.content, delta, this.#limits.maxObjectBytes);
    return { type: base.type, content };
  }

  #inflate(entry: PackEntry): { content: Buffer; consumed: number } {
    const left = this.#source.length - trailerBytes - entry.data;
    // Incompressible data grows a little; what is longer still is read again, to the end.
    const likely = Math.min(left, entry.size + (entry.size >>> 7) + 256);
    try {
      return inflateOne(this.#source.slice(entry.data, likely), entry.size);
    } catch (error) {
      if (likely < left && (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') {
        return this.#inflateLong(entry, left);
      }
      throw damaged(error);
    }
  }

  #inflateLong(entry: PackEntry, left: number): { content: Buffer; consumed: number } {
    try {
      return inflateOne(this.#source.slice(entry.data, left), entry.size);
    } catch (error) {
      throw damaged(error);
    }
  }
}

/** `info` makes zlib tell how much of the input it used, which nothing else in the format does. */
function inflateOne(input: Buffer, size: number): { content: Buffer; consumed: number } {
  const { buffer, engine } = inflateSync(input, {
    info: true,
    maxOutputLength: Math.max(size, 1),
    chunkSize: Math.max(64, size + 1),
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  if (buffer.length !== size) throw new PackError('an object has another size than it says');
  return { content: buffer, consumed: engine.bytesWritten };
}

function damaged(error: unknown): Error {
  if (error instanceof PackError) return error;
  return new PackError(`an object cannot be decompressed: ${errorMessage(error)}`);
}
