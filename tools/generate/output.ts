import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Generator, generatedMark } from './generator.ts';

/** What the disk says otherwise than the generators. */
export interface Difference {
  path: string;
  problem: 'missing' | 'outdated' | 'not generated any more';
}

/**
 * Runs the generators and joins their files.
 *
 * @throws Error when two generators claim the same path.
 */
export async function generateAll(generators: readonly Generator[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const generate of generators) {
    for (const [path, content] of await generate()) {
      if (files.has(path)) throw new Error(`two generators make ${path}: rename one of the files`);
      files.set(path, content);
    }
  }
  return files;
}

/** Compares generated files with those below `root`, also finding generated ones which nothing makes any more. */
export async function compareWithDisk(
  root: string,
  files: ReadonlyMap<string, string>,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [path, content] of files) {
    const found = await readIfPresent(join(root, path));
    if (found === undefined) differences.push({ path, problem: 'missing' });
    else if (found !== content) differences.push({ path, problem: 'outdated' });
  }
  for (const path of await findLeftovers(root, files)) {
    differences.push({ path, problem: 'not generated any more' });
  }
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Makes the files below `root` equal to the generated ones and returns what had to change. */
export async function writeToDisk(
  root: string,
  files: ReadonlyMap<string, string>,
): Promise<Difference[]> {
  const differences = await compareWithDisk(root, files);
  for (const { path } of differences) {
    const content = files.get(path);
    if (content === undefined) {
      await rm(join(root, path));
      continue;
    }
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return differences;
}

async function findLeftovers(root: string, files: ReadonlyMap<string, string>): Promise<string[]> {
  const folders = new Set([...files.keys()].map((path) => dirname(path)));
  const leftovers: string[] = [];
  for (const folder of folders) {
    for (const name of await namesIn(join(root, folder))) {
      const path = join(folder, name);
      if (files.has(path)) continue;
      const content = await readIfPresent(join(root, path));
      if (content?.split('\n', 1)[0]?.includes(generatedMark)) leftovers.push(path);
    }
  }
  return leftovers;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT';
}
