import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TreeEntry } from './tree.ts';

/**
 * Lists the regular files below a directory, to be packed. Anything else, such as a symbolic link, is left out.
 * Contents are read when their turn comes.
 */
export async function readDirectory(dir: string): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const item of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const file = join(item.parentPath, item.name);
    const { mode, size } = await stat(file);
    entries.push({
      path: file.slice(dir.length + 1),
      executable: (mode & 0o111) !== 0,
      size,
      read: () => readFile(file),
      stream: () => createReadStream(file, { highWaterMark: 2 ** 18 }),
    });
  }
  return entries;
}
