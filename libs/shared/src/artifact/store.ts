import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, rm, symlink, utimes } from 'node:fs/promises';
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
import type { ArtifactArchive } from './archive.ts';
import { ArchivedFiles } from './archived-files.ts';
import { DownloadError } from './download.ts';
import { hashFile } from './hash-file.ts';
import type { PackResult } from './pack.ts';
import { type ArtifactOwner, ownerPath, temporaryPrefix } from './paths.ts';
import { type ArtifactPins, PinBudget } from './pins.ts';
import { openStoredFile, type StoredFile } from './stored-file.ts';
import { outlived, supersededFiles } from './superseded-files.ts';
import { syncDirectory } from './sync-directory.ts';
import { safePathParts } from './tree.ts';

/** Link to an object's newest artifact. */
const latestName = 'latest.tar.gz';
const latestNames: Record<string, string> = { helmrepository: 'index.yaml' };
/** The one kind whose consumers never had such a link. */
const kindWithoutLink = 'gitrepository';
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
  /** Where files are kept besides the disk. */
  archive?: ArtifactArchive;
  /** What stays although it is superseded. */
  pins?: ArtifactPins;
  clock?: Clock;
  logger?: Logger;
}

/** Where a new artifact is written, next to where it will be. */
export interface ArtifactPlace {
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
  readonly #archived: ArchivedFiles | undefined;
  readonly #pinned = new PinBudget();
  /** Large files whose digest was right, by path, with what they looked like then. */
  readonly #verified = new Map<string, string>();

  constructor(o: ArtifactStoreOptions) {
    this.dir = o.dir;
    this.digestAlgorithm = o.digestAlgorithm;
    this.#o = o;
    this.#clock = o.clock ?? systemClock;
    this.#logger = o.logger ?? silentLogger;
    const { dir, archive } = o;
    this.#archived = archive && new ArchivedFiles({ dir, archive, logger: this.#logger });
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
    return this.urlFor(this.pathFor(kind, owner, linkNameOf(kind.toLowerCase())));
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
    return { path, temporary, discard: () => rm(temporary, { force: true }) };
  }

  /**
   * Makes what was written to a place an artifact, atomically: readers see all of it or nothing, also after a crash. It
   * is archived before.
   *
   * @returns the artifact as it belongs in the status
   * @throws Error of the archive when it cannot be archived now; what was there stays as it was
   */
  async commit(place: ArtifactPlace, written: WrittenArtifact): Promise<Artifact> {
    const { path, temporary } = place;
    const { revision, digest, size, metadata = {} } = written;
    const target = join(this.dir, path);
    const now = this.#clock.now();
    await utimes(temporary, now / 1000, now / 1000);
    await this.#archived?.put(path, temporary, now);
    await rename(temporary, target);
    await this.#link(path);
    await syncDirectory(dirname(target));
    this.#verified.delete(path);
    return {
      path,
      url: this.urlFor(path),
      revision,
      digest,
      size,
      lastUpdateTime: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
  }

  /**
   * Opens a stored file, brought back from the archive if need be; close it in the end.
   *
   * @param path below the root of the storage
   * @returns undefined when there is none
   * @throws Error of the archive when it is not on the disk and that does not answer now
   */
  open(path: string): Promise<StoredFile | undefined> {
    const file = join(this.dir, ...safePathParts(path));
    return this.#open(path, file);
  }

  async #open(path: string, file: string): Promise<StoredFile | undefined> {
    const there = await openStoredFile(file);
    if (there !== undefined || this.#archived === undefined) return there;
    return (await this.#archived.restore(path)) ? openStoredFile(file) : undefined;
  }

  /**
   * Returns where a stored file is on the disk, brought back from the archive if need be; it may be nowhere.
   *
   * @param path below the root of the storage
   * @throws Error of the archive when it is not on the disk and that does not answer now
   */
  async localPath(path: string): Promise<string> {
    await (await this.open(path))?.close();
    return join(this.dir, ...safePathParts(path));
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

  /**
   * Makes sure that the file of an object's artifact is on the disk with the digest that its artifact declares, and in
   * the archive. Must not run while the object publishes.
   *
   * @returns whether it is; if not, it has to be made again
   * @throws Error of the archive when it is needed and does not answer now
   */
  async ensure(artifact: Pick<Artifact, 'path' | 'digest'>): Promise<boolean> {
    const { path, digest } = artifact;
    const archived = this.#archived;
    const isHere = await this.verify(artifact);
    if (archived === undefined) return isHere;
    if (isHere) {
      const file = join(this.dir, path);
      if (archived.lacks(path)) await archived.put(path, file, (await lstat(file)).mtimeMs);
      return true;
    }
    if (!(await archived.restore(path, digest))) return false;
    await this.#link(path);
    return true;
  }

  /** The archive, for the one that fills it; undefined when there is none. */
  get archived(): Pick<ArchivedFiles, 'takeStock' | 'remove'> | undefined {
    return this.#archived;
  }

  /** Tells whether an artifact's file is on the disk and has the digest that its artifact declares. */
  async verify(artifact: Pick<Artifact, 'path' | 'digest'>): Promise<boolean> {
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
   * number of records, and what an interrupted write left. What is pinned stays, within limits. Must not run while the
   * object publishes.
   *
   * @returns the names of the removed artifacts
   */
  async garbageCollect(
    kind: string,
    owner: ArtifactOwner,
    current: Pick<Artifact, 'path'>,
  ): Promise<string[]> {
    const { pins } = this.#o;
    if (pins?.isCurrent() === false) return [];
    const ofOwner = ownerPath(kind, owner);
    const dir = join(this.dir, ofOwner);
    const archived = this.#archived?.filesOf(ofOwner) ?? [];
    const superseded = await supersededFiles(dir, basename(current.path), archived);
    const pinned = this.#pinned.admit(ofOwner, superseded, pins?.of(ofOwner));
    const files = superseded.filter(({ name }) => !pinned.has(name));
    const removed = outlived(files, this.#o, this.#clock.now());
    for (const file of removed) {
      await rm(join(dir, file.name), { force: true });
      await this.#archived?.remove(`${ofOwner}/${file.name}`);
      this.#verified.delete(`${ofOwner}/${file.name}`);
    }
    return removed.map((file) => file.name);
  }

  /** Removes all artifacts of an object. */
  async remove(kind: string, owner: ArtifactOwner): Promise<void> {
    const path = ownerPath(kind, owner);
    await rm(join(this.dir, path), { recursive: true, force: true });
    for (const { name } of this.#archived?.filesOf(path) ?? []) await this.#archived?.remove(name);
    for (const key of this.#verified.keys()) {
      if (key.startsWith(`${path}/`)) this.#verified.delete(key);
    }
  }

  /** Has the link to the newest artifact of an object lead to this one, if its kind has such a link. */
  async #link(path: string): Promise<void> {
    const [kind = ''] = path.split('/', 1);
    if (kind === kindWithoutLink) return;
    const dir = dirname(join(this.dir, path));
    const temporary = join(dir, temporaryPrefix + randomBytes(8).toString('hex'));
    try {
      await symlink(basename(path), temporary);
      await rename(temporary, join(dir, linkNameOf(kind)));
    } catch (error) {
      // The link is a convenience: the artifact itself is stored.
      this.#logger.warn({ dir, error: errorMessage(error) }, 'link to the latest artifact failed');
      await rm(temporary, { force: true });
    }
  }
}

/** @param kind as it begins paths */
function linkNameOf(kind: string): string {
  return latestNames[kind] ?? latestName;
}
