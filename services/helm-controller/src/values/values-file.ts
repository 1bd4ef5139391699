import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { safePathParts } from '@sluice/shared/artifact';

/** Limit of a values file in bytes, that of a ConfigMap. */
export const maxValuesFileBytes = 1024 * 1024;

/** A values file that cannot be used; the message continues a sentence about it. */
export class ValuesFileError extends Error {
  override name = 'ValuesFileError';
}

/**
 * Reads a file of an unpacked artifact, following no symbolic link.
 *
 * @returns undefined when there is no such file
 * @throws UnsafePathError when the path leads out of the artifact
 * @throws ValuesFileError when it is no regular file, or too large
 */
export async function readValuesFile(dir: string, path: string): Promise<string | undefined> {
  const parts = safePathParts(posix.normalize(path.replace(/^(\.\/)+/, '')));
  try {
    for (let depth = 1; depth < parts.length; depth++) {
      const stat = await lstat(join(dir, ...parts.slice(0, depth)));
      if (!stat.isDirectory()) throw notRegular();
    }
    return await readRegular(join(dir, ...parts));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw notRegular();
    throw error;
  }
}

function notRegular(): ValuesFileError {
  return new ValuesFileError('is not a regular file: name a file, no directory or link');
}

async function readRegular(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw notRegular();
    if (stat.size > maxValuesFileBytes) {
      throw new ValuesFileError(
        `has ${stat.size} bytes: a values file may have at most ${maxValuesFileBytes}`,
      );
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
