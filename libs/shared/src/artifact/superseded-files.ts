import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchivedFile } from './archive.ts';
import { temporaryPrefix } from './paths.ts';

/** A file of an object that is not its current one. */
export interface SupersededFile {
  name: string;
  /** When it was stored, in milliseconds since the epoch. */
  mtimeMs: number;
  bytes: number;
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
  const files = new Map<string, Omit<SupersededFile, 'name'>>();
  for (const { name, storedAt, bytes } of archived)
    files.set(name.slice(name.lastIndexOf('/') + 1), { mtimeMs: storedAt, bytes });
  for (const name of await namesIn(dir)) {
    if (name.startsWith(temporaryPrefix)) {
      await rm(join(dir, name), { force: true });
      continue;
    }
    const stats = await lstat(join(dir, name));
    if (stats.isFile()) files.set(name, { mtimeMs: stats.mtimeMs, bytes: stats.size });
  }
  files.delete(currentName);
  return [...files].map(([name, file]) => ({ name, ...file }));
}

/**
 * Says which superseded files go: those older than the retention time, then the oldest beyond the number of records.
 *
 * @param nowMs milliseconds since the epoch
 */
export function outlived(
  files: readonly SupersededFile[],
  { retentionTtlMs, retentionRecords }: { retentionTtlMs: number; retentionRecords: number },
  nowMs: number,
): SupersededFile[] {
  const isExpired = ({ mtimeMs }: SupersededFile) => nowMs - mtimeMs > retentionTtlMs;
  const others = files.filter((file) => !isExpired(file)).sort((a, b) => b.mtimeMs - a.mtimeMs);
  return [...files.filter(isExpired), ...others.slice(Math.max(0, retentionRecords - 1))];
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
