import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Artifact } from '../api/index.ts';
import {
  type Clock,
  type DigestAlgorithm,
  errorMessage,
  type Logger,
  silentLogger,
  systemClock,
} from '../base/index.ts';
import { DownloadError } from './download.ts';
import { hashFile } from './hash-file.ts';
import type { PackResult } from './pack.ts';
import { type ArtifactOwner, ownerPath } from './paths.ts';
import { openStoredFile, type StoredFile } from './stored-file.ts';
import { safePathParts } from './tree.ts';

/** Link to an object's newest artifact. */
const latestName = 'latest.tar.gz';
const latestNames: Record<string, string> = { HelmRepository: 'index.yaml' };
/** The one kind whose consumers never had such a link. */
const kindWithoutLink = 'GitRepository';
const temporaryPrefix = '.tmp-';
/** Up to this size a stored file is hashed at every check; above, only when it looks touched. */
const alwaysHashBytes = 1024 * 1024;

export interface ArtifactStoreOptions {
  /** Root of the storage; created when absent. */
  dir: string;
  /** Host, or URL, under which other controllers reach the storage. */
  advertisedAddress: string;
  /** Milliseconds for which an artifact is kept after a newer one came. */
  retentionTtlMs: number;
  /** Number of artifacts kept per object, the current one included. */
  retentionRecords: number;
  digestAlgorithm: DigestAlgorithm;
  clock?: Clock;
  logger?: Logger;
}

/** Where a new artifact is written, next to where it will be. */
export interface ArtifactPlace {
  kind: string;
  /** Below the root of the storage. */
  path: string;
  /** Absolute path to write to, where nothing is yet; the writer makes it durable. */
  temporary: string;
  /** Removes what was written and not committed. */
  discard(): Promise<void>;
}

/** What was written to a place. */
export interface WrittenArtifact extends PackResult {
  revision: string;
  /** Facts from upstream. */
  metadata?: Record<string, string>;
}

/** The artifacts of all sources as files, and their addresses. */
export class ArtifactStore {
  readonly dir: string;
  readonly digestAlgorithm: DigestAlgorithm;
  readonly #o: ArtifactStoreOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Large files whose digest was right, by path, with what they looked like then. */
  readonly #verified = new Map<string, string>();

  constructor(o: ArtifactStoreOptions) {
    this.dir = o.dir;
    this.digestAlgorithm = o.digestAlgorithm;
    this.#o = o;
    this.#clock = o.clock ?? systemClock;
    this.#logger = o.logger ?? silentLogger;
  }

  /** Returns the address of a stored file; `path` is below the root of the storage. */
  urlFor(path: string): string {
    const address = this.#o.advertisedAddress;
    const base = /^https?:\/\//.test(address) ? address : `http://${address}`;
    return `${base.replace(/\/+$/, '')}/${path}`;
  }

  /** Returns the path of a file below the root of the storage. */
  pathFor(kind: string, owner: ArtifactOwner, fileName: string): string {
    safePathParts(fileName);
    return `${ownerPath(kind, owner)}/${fileName}`;
  }

  /** Returns the address that leads to an object's newest artifact. */
  latestUrl(kind: string, owner: ArtifactOwner): string {
    return this.urlFor(this.pathFor(kind, owner, latestNames[kind] ?? latestName));
  }

  /**
   * Makes a place for a new artifact. What is written there is seen by nobody until it is committed; discard the
   * place in the end, committed or not.
   */
  async place(kind: string, owner: ArtifactOwner, fileName: string): Promise<ArtifactPlace> {
    const path = this.pathFor(kind, owner, fileName);
    const dir = dirname(join(this.dir, path));
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const temporary = join(dir, temporaryPrefix + randomBytes(8).toString('hex'));
    return { kind, path, temporary, discard: () => rm(temporary, { force: true }) };
  }

  /**
   * Makes what was written to a place an artifact, atomically: readers see all of it or nothing, also after a crash.
   *
   * @returns the artifact as it belongs in the status
   */
  async commit(place: ArtifactPlace, written: WrittenArtifact): Promise<Artifact> {
    const { kind, path, temporary } = place;
    const { revision, digest, size, metadata = {} } = written;
    const target = join(this.dir, path);
    const now = this.#clock.now() / 1000;
    await utimes(temporary, now, now);
    await rename(temporary, target);
    if (kind !== kindWithoutLink) await this.#link(kind, dirname(target), basename(target));
    await syncDirectory(dirname(target));
    this.#verified.delete(path);
    return {
      path,
      url: this.urlFor(path),
      revision,
      digest,
      size,
      lastUpdateTime: new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
  }

  /**
   * Opens a stored file; close it in the end.
   *
   * @param path below the root of the storage
   * @returns undefined when there is none
   */
  open(path: string): Promise<StoredFile | undefined> {
    return openStoredFile(join(this.dir, ...safePathParts(path)));
  }

  /**
   * Reads a stored file to its end.
   *
   * @param path below the root of the storage
   * @throws DownloadError when there is none
   */
  async *read(path: string): AsyncGenerator<Uint8Array> {
    const file = await this.open(path);
    if (file === undefined) throw new DownloadError('it is not stored here any more', false);
    try {
      yield* file.read();
    } finally {
      await file.close();
    }
  }

  /** Tells whether an artifact's file is there and has the digest that its artifact declares. */
  async verify(artifact: Artifact): Promise<boolean> {
    try {
      const file = join(this.dir, ...safePathParts(artifact.path));
      const stats = await lstat(file);
      if (!stats.isFile()) return false;
      const look = `${artifact.digest} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
      const large = stats.size > alwaysHashBytes;
      if (large && this.#verified.get(artifact.path) === look) return true;
      if ((await hashFile(file, artifact.digest)) !== artifact.digest) return false;
      if (large) this.#verified.set(artifact.path, look);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#logger.warn({ path: artifact.path, error }, 'artifact cannot be verified');
      }
      return false;
    }
  }

  /**
   * Removes an object's superseded artifacts: those older than the retention time, then the oldest down to the
   * number of records, and what an interrupted write left. Must not run while the object publishes.
   *
   * @returns the names of the removed artifacts
   */
  async garbageCollect(
    kind: string,
    owner: ArtifactOwner,
    current: Pick<Artifact, 'path'>,
  ): Promise<string[]> {
    const dir = join(this.dir, ownerPath(kind, owner));
    const currentName = current.path.slice(current.path.lastIndexOf('/') + 1);
    const files = await this.#supersededFiles(dir, currentName);
    const ttl = this.#o.retentionTtlMs;
    const expired = files.filter((file) => this.#clock.now() - file.mtimeMs > ttl);
    const kept = files
      .filter((file) => !expired.includes(file))
      .sort((a, b) => b.mtimeMs - a.mtimeMs);
    const removed = [...expired, ...kept.slice(Math.max(0, this.#o.retentionRecords - 1))];
    for (const file of removed) {
      await rm(join(dir, file.name), { force: true });
      this.#verified.delete(`${ownerPath(kind, owner)}/${file.name}`);
    }
    return removed.map((file) => file.name);
  }

  async #supersededFiles(
    dir: string,
    currentName: string,
  ): Promise<{ name: string; mtimeMs: number }[]> {
    const files: { name: string; mtimeMs: number }[] = [];
    for (const name of await namesIn(dir)) {
      if (name.startsWith(temporaryPrefix)) {
        await rm(join(dir, name), { force: true });
        continue;
      }
      if (name === currentName) continue;
      const stats = await lstat(join(dir, name));
      if (stats.isFile()) files.push({ name, mtimeMs: stats.mtimeMs });
    }
    return files;
  }

  /** Removes all artifacts of an object. */
  async remove(kind: string, owner: ArtifactOwner): Promise<void> {
    const path = ownerPath(kind, owner);
    await rm(join(this.dir, path), { recursive: true, force: true });
    for (const key of this.#verified.keys()) {
      if (key.startsWith(`${path}/`)) this.#verified.delete(key);
    }
  }

  async #link(kind: string, dir: string, fileName: string): Promise<void> {
    const temporary = join(dir, temporaryPrefix + randomBytes(8).toString('hex'));
    try {
      await symlink(fileName, temporary);
      await rename(temporary, join(dir, latestNames[kind] ?? latestName));
    } catch (error) {
      // The link is a convenience: the artifact itself is stored.
      this.#logger.warn({ dir, error: errorMessage(error) }, 'link to the latest artifact failed');
      await rm(temporary, { force: true });
    }
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Makes the names in a directory durable. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
