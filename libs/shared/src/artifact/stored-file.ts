import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';

/** A file of the storage while it is open. */
export interface StoredFile {
  /** Bytes of it. */
  size: number;
  /** When it was stored, in milliseconds since the epoch. */
  mtimeMs: number;
  /** Its content, or a part of it; both ends are included. */
  read(part?: { start: number; end: number }): Readable;
  close(): Promise<void>;
}

/**
 * Opens a file of the storage; a link is followed only to a file beside it.
 *
 * @param path absolute
 * @returns undefined when there is none
 */
export async function openStoredFile(
  path: string,
  followLink = true,
): Promise<StoredFile | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ELOOP' && followLink) {
      const target = await readlink(path);
      if (target.includes('/') || target.startsWith('.')) return undefined;
      return openStoredFile(join(dirname(path), target), false);
    }
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
  const stats = await file.stat();
  if (stats.isFile()) return { ...readerOf(file), size: stats.size, mtimeMs: stats.mtimeMs };
  await file.close();
  return undefined;
}

function readerOf(file: FileHandle): Pick<StoredFile, 'read' | 'close'> {
  return {
    read: (part) =>
      file.createReadStream({ autoClose: false, highWaterMark: 2 ** 17, start: 0, ...part }),
    close: () => file.close(),
  };
}
