import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ArchiveError, type ArchiveSink } from './archive-reader.ts';

/**
 * Writes the members of an archive below a directory that it has to itself.
 *
 * Calls are synchronous: they run for small archives, and for large ones in a worker thread. Since links are
 * never created and files only where there was none, nothing can be written outside of the directory.
 */
export class DirectorySink implements ArchiveSink {
  readonly #root: string;
  readonly #directories = new Set<string>(['.']);
  #open: number | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  directory(path: string): void {
    if (this.#directories.has(path)) return;
    this.directory(dirname(path));
    this.#create(path, () => mkdirSync(join(this.#root, path), { mode: 0o750 }));
    this.#directories.add(path);
  }

  file(path: string, executable: boolean): (chunk: Buffer | undefined) => void {
    this.directory(dirname(path));
    const descriptor = this.#create(path, () =>
      openSync(join(this.#root, path), 'wx', executable ? 0o700 : 0o600),
    );
    this.#open = descriptor;
    return (chunk) => {
      if (chunk === undefined) this.close();
      else writeFully(descriptor, chunk);
    };
  }

  /** Closes the file that was being written, if any. */
  close(): void {
    if (this.#open === undefined) return;
    const descriptor = this.#open;
    this.#open = undefined;
    closeSync(descriptor);
  }

  #create<T>(path: string, create: () => T): T {
    try {
      return create();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
        throw new ArchiveError(
          `archive refused: entry ${JSON.stringify(path)} cannot be created (${code})`,
        );
      }
      throw error;
    }
  }
}

function writeFully(descriptor: number, chunk: Buffer): void {
  for (let offset = 0; offset < chunk.length; ) {
    offset += writeSync(descriptor, chunk, offset);
  }
}
