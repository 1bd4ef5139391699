import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, orAborted, SingleFlight } from '../base/index.ts';

/** What was made for a key. */
export interface DiskCacheContent<T> {
  value: T;
  /** What keeping it costs. */
  bytes: number;
}

/** Something in the cache that cannot vanish until it is released. */
export interface DiskCacheHold<T> {
  value: T;
  /** Where its file or directory is. */
  path: string;
  release(): void;
}

export interface DiskCacheOptions {
  /** Directory whose entries with the prefix belong to this cache alone; what earlier processes left is removed. */
  dir: string;
  prefix: string;
  /** What is in use may exceed it. */
  maxBytes: number;
  logger: Logger;
}

interface Entry<T> extends DiskCacheContent<T> {
  path: string;
  users: number;
}

/**
 * Files or directories that are made once per key and shared by all who ask. They are dropped, the least recently
 * used first, once their bytes exceed the limit and nobody uses them.
 */
export class DiskCache<T> {
  readonly #o: DiskCacheOptions;
  /** In order of use, the latest last. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #flights = new SingleFlight<void>();
  #bytes = 0;

  constructor(o: DiskCacheOptions) {
    this.#o = o;
    mkdirSync(o.dir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(o.dir)) {
      if (name.startsWith(o.prefix)) rmSync(join(o.dir, name), { recursive: true, force: true });
    }
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns what is kept for a key.
   *
   * @param make makes it at a path that does not exist yet; what it leaves there when it fails is removed
   * @throws what `make` throws, to all who wait for it
   */
  async acquire(
    key: string,
    make: (path: string) => Promise<DiskCacheContent<T>>,
    signal?: AbortSignal,
  ): Promise<DiskCacheHold<T>> {
    signal?.throwIfAborted();
    while (!this.#entries.has(key)) {
      // Shared by all who wait, so no single caller's signal may end it.
      const flight = this.#flights.run(key, () => this.#load(key, make));
      await (signal === undefined ? flight : orAborted(flight, signal));
    }
    const entry = this.#entries.get(key) as Entry<T>;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      entry.users--;
      this.#evict();
    };
    this.#evict();
    return { value: entry.value, path: entry.path, release };
  }

  /** Removes everything, for shutdown. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#bytes = 0;
    await Promise.all(entries.map(({ path }) => rm(path, { recursive: true, force: true })));
  }

  async #load(key: string, make: (path: string) => Promise<DiskCacheContent<T>>): Promise<void> {
    const path = join(this.#o.dir, this.#o.prefix + randomBytes(12).toString('hex'));
    try {
      const { value, bytes } = await make(path);
      this.#entries.set(key, { value, bytes, path, users: 0 });
      this.#bytes += bytes;
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#o.maxBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      this.#bytes -= entry.bytes;
      rm(entry.path, { recursive: true, force: true }).catch((error: unknown) =>
        this.#o.logger.warn({ path: entry.path, error }, 'cached artifact cannot be removed'),
      );
    }
  }
}
