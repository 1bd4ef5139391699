import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchivedFile } from './archive.ts';
import { temporaryPrefix } from './paths.ts';

/** A file of an object that is not its current one. */
export interface SupersededFile {
  name: string;
  /** When it was stored, in milliseconds since the epoch. */
  mtimeMs: number;
}

/**
 * Finds the files of an object besides its current one, on the disk and in the archive. What an interrupted write has left
 * on the disk is removed.
 *
 * @param archived those of the object in the archive
 */
export async function supersededFiles(
  dir: string,
  currentName: string,
  archived: readonly ArchivedFile[],
): Promise<SupersededFile[]> {
  const files = new Map<string, number>();
  for (const { name, storedAt } of archived)
    files.set(name.slice(name.lastIndexOf('/') + 1), storedAt);
  for (const name of await namesIn(dir)) {
    if (name.startsWith(temporaryPrefix)) {
      await rm(join(dir, name), { force: true });
      continue;
    }
    const stats = await lstat(join(dir, name));
    if (stats.isFile()) files.set(name, stats.mtimeMs);
  }
  files.delete(currentName);
  return [...files].map(([name, mtimeMs]) => ({ name, mtimeMs }));
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
