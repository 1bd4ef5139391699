import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createGzip, type Gzip, gzip } from 'node:zlib';
import { createHasher, type DigestAlgorithm, type Hasher } from '../base/index.ts';

const compress = promisify(gzip);

/**
 * YAML at level 3 is within a tenth of level 6 in size at half of the CPU (bench/source-pack.ts).
 * Changing it changes the digest of every artifact.
 */
const options = { level: 3 } as const;

/** Content up to this many bytes is compressed in one call, which costs less than a stream. */
const oneShotBytes = 1024 * 1024;
/** Larger content is compressed in batches: each costs a trip to another thread. */
const batchBytes = 256 * 1024;

/** Where gzip names the operating system; 255 stands for unknown. */
const systemOffset = 9;
const unknownSystem = 255;

/**
 * Writes a gzip file and computes its digest in the same pass.
 *
 * The bytes depend only on the content, not on how it was cut into chunks nor on the machine.
 */
export class GzipFile {
  readonly #file: FileHandle;
  readonly #hash: Hasher;
  readonly #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #size = 0;
  #stream: Gzip | undefined;
  #drained: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, hash: Hasher) {
    this.#file = file;
    this.#hash = hash;
  }

  /** Creates the file with mode 0600; it must not exist. */
  static async create(path: string, algorithm: DigestAlgorithm = 'sha256'): Promise<GzipFile> {
    const hash = await createHasher(algorithm);
    return new GzipFile(await open(path, 'wx', 0o600), hash);
  }

  /** Appends content; resolves when more may be written. */
  async write(chunk: Uint8Array): Promise<void> {
    // Large content is handed over in parts, none of which is copied.
    if (chunk.length > oneShotBytes) {
      for (let at = 0; at < chunk.length; at += batchBytes) {
        await this.write(chunk.subarray(at, at + batchBytes));
      }
      return;
    }
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    const limit = this.#stream === undefined ? oneShotBytes : batchBytes;
    if (this.#pendingBytes > limit) await this.#writeToStream(this.#takePending());
  }

  /** Ends the file and makes it durable. Returns its digest (`sha256:…`) and size in bytes. */
  async finish(): Promise<{ digest: string; size: number }> {
    const rest = this.#takePending();
    if (this.#stream === undefined) await this.#store(await compress(rest, options));
    else {
      this.#stream.end(rest);
      await this.#drained;
    }
    await this.#file.sync();
    await this.#file.close();
    return { digest: this.#hash.digest(), size: this.#size };
  }

  /** Closes the file without ending it. */
  async abort(): Promise<void> {
    this.#stream?.destroy();
    await this.#drained.catch(() => undefined);
    await this.#file.close();
  }

  #takePending(): Buffer {
    this.#pendingBytes = 0;
    return Buffer.concat(this.#pending.splice(0));
  }

  async #writeToStream(batch: Buffer): Promise<void> {
    const stream = this.#stream ?? this.#startStream();
    if (stream.write(batch)) return;
    await Promise.race([once(stream, 'drain'), this.#drained]);
  }

  #startStream(): Gzip {
    const stream = createGzip({ ...options, chunkSize: batchBytes });
    this.#stream = stream;
    this.#drained = this.#drain(stream);
    // The outcome is reported by finish(); until then a failure must not count as unhandled.
    this.#drained.catch(() => undefined);
    return stream;
  }

  async #drain(stream: Gzip): Promise<void> {
    for await (const chunk of stream) await this.#store(chunk as Buffer);
  }

  async #store(chunk: Buffer): Promise<void> {
    if (this.#size <= systemOffset && this.#size + chunk.length > systemOffset) {
      chunk[systemOffset - this.#size] = unknownSystem;
    }
    this.#size += chunk.length;
    this.#hash.update(chunk);
    await this.#file.write(chunk);
  }
}
