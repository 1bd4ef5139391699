import { randomUUID } from 'node:crypto';
import { link, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorMessage, type Logger, SingleFlight } from '../base/index.ts';
import type { ArchivedFile, ArtifactArchive } from './archive.ts';
import { hashFile } from './hash-file.ts';
import { safePathParts } from './tree.ts';

/** Names that a path of an artifact consists of: kind, namespace, object and file. */
const pathLength = 4;
/** Below the root of the storage; no kind is called so. */
const incomingName = '.incoming';

/** The archive of a storage: what of it is known, and how it comes back to the disk. */
export class ArchivedFiles {
  readonly #dir: string;
  readonly #archive: ArtifactArchive;
  readonly #logger: Logger;
  readonly #restoring = new SingleFlight<boolean>();
  /** By the directory of their object; unknown until the archive was listed, which the one that fills it does. */
  #known: Map<string, Map<string, ArchivedFile>> | undefined;
  #emptied: Promise<void> | undefined;

  constructor(o: { dir: string; archive: ArtifactArchive; logger: Logger }) {
    this.#dir = o.dir;
    this.#archive = o.archive;
    this.#logger = o.logger;
  }

  /** Lists the archive, for what is removed from it and put into it from now on. */
  async takeStock(): Promise<ArchivedFile[]> {
    const files = await this.#archive.list();
    this.#known = new Map();
    for (const file of files) this.#note(file);
    return files;
  }

  /** Whether a file is known not to be archived. */
  lacks(path: string): boolean {
    return this.#known !== undefined && this.#known.get(dirname(path))?.has(path) !== true;
  }

  /** The files of an object's directory, as far as they are known. */
  filesOf(ownerPath: string): ArchivedFile[] {
    return [...(this.#known?.get(ownerPath)?.values() ?? [])];
  }

  /** Archives a file, which may still be at another place than its path. */
  async put(path: string, file: string, storedAt: number): Promise<void> {
    await this.#archive.put(path, file);
    const { size: bytes } = await stat(file);
    this.#note({ name: path, storedAt, bytes });
  }

  /** Removes a file, if it is known, as far as that is possible now; what stays is removed later. */
  async remove(path: string): Promise<void> {
    const siblings = this.#known?.get(dirname(path));
    if (siblings?.has(path) !== true) return;
    try {
      await this.#archive.remove(path);
      siblings.delete(path);
    } catch (error) {
      this.#logger.info(
        { path, error: errorMessage(error) },
        'A file stays in the archive for now',
      );
    }
  }

  /**
   * Brings a file back to the disk: in place of what is there when it has the digest, otherwise only where nothing is.
   *
   * @returns whether it was archived, and has the digest
   * @throws Error of the archive when that does not answer now
   */
  restore(path: string, digest?: string): Promise<boolean> {
    return this.#restoring.run(`${path} ${digest}`, () => this.#restore(path, digest));
  }

  async #restore(path: string, digest: string | undefined): Promise<boolean> {
    if (!isArtifactPath(path)) return false;
    const temporary = join(await this.#emptyIncoming(), randomUUID());
    try {
      const file = await this.#archive.get(path, temporary);
      if (file === undefined) return false;
      if (digest !== undefined && (await digestOf(temporary, digest)) !== digest) return false;
      await utimes(temporary, file.storedAt / 1000, file.storedAt / 1000);
      const target = join(this.#dir, path);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await (digest === undefined ? linkUnlessThere(temporary, target) : rename(temporary, target));
      this.#logger.info({ path }, 'Artifact brought back from the archive');
      return true;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Where files are written that come; what a process that ended has left there is removed at first. */
  async #emptyIncoming(): Promise<string> {
    const dir = join(this.#dir, incomingName);
    this.#emptied ??= rm(dir, { recursive: true, force: true });
    await this.#emptied;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return dir;
  }

  #note(file: ArchivedFile): void {
    if (this.#known === undefined) return;
    const owner = dirname(file.name);
    const siblings = this.#known.get(owner) ?? new Map();
    this.#known.set(owner, siblings.set(file.name, file));
  }
}

/** What a status declares may be no digest. */
function digestOf(file: string, like: string): Promise<string | undefined> {
  return hashFile(file, like).catch(() => undefined);
}

/** Others find such paths in a status, or ask for them. */
function isArtifactPath(path: string): boolean {
  try {
    return safePathParts(path).length === pathLength;
  } catch {
    return false;
  }
}

/** A newer file may have come meanwhile. */
async function linkUnlessThere(file: string, target: string): Promise<void> {
  try {
    await link(file, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
