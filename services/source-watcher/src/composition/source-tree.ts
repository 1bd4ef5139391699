import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The files and directories of an unpacked source, by their paths below its root, which is the empty path. */
export interface SourceTree {
  /** Where each file is on the disk. */
  files: ReadonlyMap<string, string>;
  /** The names in each directory, sorted. */
  directories: ReadonlyMap<string, readonly string[]>;
}

/** Lists an unpacked source. Links, of which it has none, would be left out. */
export function readSourceTree(dir: string): SourceTree {
  const files = new Map<string, string>();
  const directories = new Map<string, string[]>([['', []]]);
  for (const item of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!item.isFile() && !item.isDirectory()) continue;
    const parent = item.parentPath.slice(dir.length + 1);
    const path = joinPath(parent, item.name);
    namesIn(directories, parent).push(item.name);
    if (item.isFile()) files.set(path, join(item.parentPath, item.name));
    else namesIn(directories, path);
  }
  for (const names of directories.values()) names.sort();
  return { files, directories };
}

function namesIn(directories: Map<string, string[]>, path: string): string[] {
  const names = directories.get(path) ?? [];
  directories.set(path, names);
  return names;
}

/** Joins a name to a directory, which is empty at the root. */
export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
