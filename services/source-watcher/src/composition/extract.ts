import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveError, unpackFileHere } from '@sluice/shared/artifact';
import { CompositionError } from './composition-error.ts';
import { joinPath, readSourceTree } from './source-tree.ts';
import type { StagedTree } from './staged-tree.ts';

/** A directory of its own for each archive that is unpacked. */
export class Scratch {
  readonly #dir: string;
  #count = 0;

  /** @param dir where they go; who gives it removes it */
  constructor(dir: string) {
    this.#dir = dir;
  }

  next(): string {
    const dir = join(this.#dir, String(this.#count++));
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return dir;
  }
}

/** Whether the name of a file is that of an archive which can be unpacked. */
export function isArchive(path: string): boolean {
  return /\.(?:tar\.gz|tgz)$/i.test(path);
}

/**
 * Unpacks an archive of a source into an artifact.
 *
 * @throws CompositionError when it is refused, or too large for what the artifact may still hold
 */
export async function unpackInto(
  target: StagedTree,
  archive: { path: string; file: string; to: string },
  scratch: Scratch,
): Promise<void> {
  const dir = scratch.next();
  try {
    await unpackFileHere(archive.file, dir, target.left);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new CompositionError(`'${archive.path}': ${error.message}`, { cause: error });
  }
  target.addDirectory(archive.to);
  for (const [path, file] of readSourceTree(dir).files) {
    const { mode, size } = statSync(file);
    const executable = (mode & 0o111) !== 0;
    target.addFile(joinPath(archive.to, path), { executable, size, content: file });
  }
}
