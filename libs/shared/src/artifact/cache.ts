import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../api/index.ts';
import {
  backoff,
  type Clock,
  errorMessage,
  type Logger,
  parseDigest,
  ReconcileError,
  RetryableError,
  SingleFlight,
  StalledError,
  systemClock,
} from '../base/index.ts';
import { defaultArchiveLimits } from './archive-reader.ts';
import { DownloadError, download } from './download.ts';
import { inlineArchiveBytes, unpackArchive } from './unpack.ts';

/** Reason of every failure to get an artifact. */
export const artifactFailedReason = 'ArtifactFailed';

/** An artifact unpacked on the local disk, to be read only. */
export interface UnpackedArtifact {
  dir: string;
  digest: string;
  files: number;
  /** Says that the directory is no longer used; it may vanish from then on. */
  release(): void;
}

export interface ArtifactCacheOptions {
  /** Directory that belongs to this cache alone; what earlier processes left in it is removed. */
  dir: string;
  /** Bytes of unpacked content kept; what is in use may exceed it. */
  maxBytes: number;
  /** Retries of a failing download before the error is reported. */
  httpRetries: number;
  logger: Logger;
  /** Rewrites an artifact's address, for a controller outside of the cluster. */
  resolveUrl?: (url: string) => string;
  maxUnpackedBytes?: number;
  maxFiles?: number;
  clock?: Clock;
  /** Called for every artifact that had to be downloaded, with its compressed size in bytes. */
  onDownload?: (bytes: number | undefined) => void;
}

interface Entry {
  dir: string;
  bytes: number;
  files: number;
  users: number;
}

const directoryPrefix = 'artifact-';
const downloadTimeoutMs = 30_000;
const retryMinMs = 100;
const retryMaxMs = 5000;

/**
 * Downloads and unpacks each artifact once per process and shares the directory among all who need it. Entries
 * are known by their digest alone, which is verified before anything is unpacked; they are dropped, the least
 * recently used first, once their bytes exceed the limit and nobody uses them.
 */
export class ArtifactCache {
  readonly #o: ArtifactCacheOptions;
  readonly #clock: Clock;
  /** In order of use, the latest last. */
  readonly #entries = new Map<string, Entry>();
  readonly #flights = new SingleFlight<void>();
  #bytes = 0;

  constructor(o: ArtifactCacheOptions) {
    this.#o = o;
    this.#clock = o.clock ?? systemClock;
    mkdirSync(o.dir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(o.dir)) {
      if (name.startsWith(directoryPrefix)) {
        rmSync(join(o.dir, name), { recursive: true, force: true });
      }
    }
  }

  /** Bytes of unpacked content held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns an artifact's unpacked content.
   *
   * @throws StalledError `ArtifactFailed` when the declared digest is missing or weak
   * @throws RetryableError `ArtifactFailed` when it cannot be downloaded, has another digest, or is refused
   */
  async acquire(artifact: Artifact, signal?: AbortSignal): Promise<UnpackedArtifact> {
    signal?.throwIfAborted();
    const digest = checkedDigest(artifact);
    while (!this.#entries.has(digest)) {
      // Shared by all who wait, so no single caller's signal may end it.
      const flight = this.#flights.run(digest, () => this.#load(artifact));
      await (signal === undefined ? flight : orAborted(flight, signal));
    }
    const entry = this.#entries.get(digest) as Entry;
    this.#entries.delete(digest);
    this.#entries.set(digest, entry);
    entry.users++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      entry.users--;
      this.#evict();
    };
    this.#evict();
    return { dir: entry.dir, digest, files: entry.files, release };
  }

  /** Removes everything, for shutdown. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#bytes = 0;
    await Promise.all(entries.map((entry) => rm(entry.dir, { recursive: true, force: true })));
  }

  async #load(artifact: Artifact): Promise<void> {
    const id = directoryPrefix + randomBytes(12).toString('hex');
    const dir = join(this.#o.dir, id);
    const spillPath = `${dir}.tar.gz`;
    try {
      const content = await this.#downloadWithRetries(artifact, spillPath);
      await mkdir(dir, { mode: 0o700 });
      const { files, bytes } = await unpackArchive(content, dir, {
        maxBytes: this.#o.maxUnpackedBytes ?? defaultArchiveLimits.maxBytes,
        maxFiles: this.#o.maxFiles ?? defaultArchiveLimits.maxFiles,
      });
      this.#entries.set(artifact.digest, { dir, files, bytes, users: 0 });
      this.#bytes += bytes;
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      if (error instanceof ReconcileError) throw error;
      throw new RetryableError(
        artifactFailedReason,
        `artifact of revision '${artifact.revision}' from ${artifact.url}: ${errorMessage(error)}`,
        { cause: error },
      );
    } finally {
      await rm(spillPath, { force: true });
    }
  }

  async #downloadWithRetries(artifact: Artifact, spillPath: string): Promise<Buffer | string> {
    for (let attempt = 0; ; attempt++) {
      try {
        this.#o.onDownload?.(artifact.size);
        return await download({
          url: this.#o.resolveUrl?.(artifact.url) ?? artifact.url,
          digest: artifact.digest,
          maxBytes: this.#o.maxUnpackedBytes ?? defaultArchiveLimits.maxBytes,
          memoryBytes: inlineArchiveBytes,
          spillPath,
          timeoutMs: downloadTimeoutMs,
        });
      } catch (error) {
        // A file that is gone was replaced: the source's new artifact is on its way, so no retry here.
        const retryable = error instanceof DownloadError && error.retryable;
        if (!retryable || attempt >= this.#o.httpRetries) throw error;
        this.#o.logger.debug({ url: artifact.url, attempt, error }, 'artifact download retried');
      }
      await this.#clock.sleep(backoff({ attempt, minMs: retryMinMs, maxMs: retryMaxMs }));
    }
  }

  #evict(): void {
    for (const [digest, entry] of this.#entries) {
      if (this.#bytes <= this.#o.maxBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(digest);
      this.#bytes -= entry.bytes;
      rm(entry.dir, { recursive: true, force: true }).catch((error: unknown) =>
        this.#o.logger.warn({ dir: entry.dir, error }, 'unpacked artifact cannot be removed'),
      );
    }
  }
}

/** Waits for a promise until the signal aborts. */
function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
      .catch(reject);
  });
}

function checkedDigest(artifact: Artifact): string {
  try {
    parseDigest(artifact.digest);
    return artifact.digest;
  } catch (error) {
    throw new StalledError(
      artifactFailedReason,
      `status.artifact.digest of revision '${artifact.revision}': ${errorMessage(error)}`,
    );
  }
}
