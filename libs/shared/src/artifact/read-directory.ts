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
    const executable = ((await stat(file)).mode & 0o111) !== 0;
    entries.push({ path: file.slice(dir.length + 1), executable, read: () => readFile(file) });
  }
  return entries;
}
