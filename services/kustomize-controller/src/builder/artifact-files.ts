import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { sha256Hex } from '@sluice/shared/base';
import { buildFailed } from './errors.ts';

/** Limits of what one build may read. */
const maxFiles = 50_000;
const maxBytes = 512 * 1024 * 1024;

/** What a path is. */
export type PathKind = 'file' | 'directory' | 'missing';

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * The files of an unpacked artifact, addressed by paths from its root. It follows no symbolic link, and remembers
 * the digest of every file that was read.
 */
export class ArtifactFiles {
  readonly root: string;
  readonly #kinds = new Map<string, PathKind>();
  readonly #digests = new Map<string, string>();
  #bytes = 0;

  constructor(root: string) {
    this.root = root;
  }

  /** The hex SHA-256 of each file read so far. */
  get digests(): ReadonlyMap<string, string> {
    return this.#digests;
  }

  /**
   * Tells what a path is.
   *
   * @throws RetryableError BuildFailed when it, or a directory on its way, is a symbolic link or a special file
   */
  async kindOf(path: string): Promise<PathKind> {
    if (path === '.' || path === '') return 'directory';
    const known = this.#kinds.get(path);
    if (known !== undefined) return known;
    const parent = await this.kindOf(posix.dirname(path));
    const kind = parent === 'directory' ? await this.#look(path) : 'missing';
    this.#kinds.set(path, kind);
    return kind;
  }

  async #look(path: string): Promise<PathKind> {
    const stat = await statOf(join(this.root, path));
    if (stat === undefined) return 'missing';
    if (stat.isDirectory()) return 'directory';
    if (stat.isFile()) return 'file';
    const what = stat.isSymbolicLink() ? 'a symbolic link' : 'not a regular file';
    throw buildFailed(`'${path}' in the artifact is ${what}: use a regular file`);
  }

  /**
   * Reads a file and remembers its digest. The caller has made sure that it is a file.
   *
   * @throws RetryableError BuildFailed when the build reads more than 50,000 files or 512 MiB
   */
  async read(path: string): Promise<Buffer> {
    const content = await readFile(join(this.root, path));
    if (!this.#digests.has(path)) {
      this.#bytes += content.length;
      this.#digests.set(path, sha256Hex(content));
    }
    if (this.#digests.size > maxFiles || this.#bytes > maxBytes) {
      throw buildFailed(
        `the build reads more than ${maxFiles} files or ${maxBytes} bytes: split it into several Kustomizations`,
      );
    }
    return content;
  }

  /** Lists the names in a directory, in the order of their bytes. */
  async list(path: string): Promise<string[]> {
    const names = await readdir(join(this.root, path));
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
}
