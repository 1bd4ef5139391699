import { constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ScanResult } from './scan.ts';

/** A private directory that holds exactly the files a build may read. */
export interface BuildTree {
  dir: string;
  /** An empty directory next to it, for what is fetched; undefined when nothing is. */
  scratchDir: string | undefined;
  remove(): Promise<void>;
}

/**
 * Copies the files that a scan has found, and nothing else, into a new private directory, so that the build cannot
 * read what was not checked.
 *
 * @param root directory of the unpacked artifact
 * @param decrypted what the build reads instead of the files of those paths
 * @param tempDir where the directory is made
 */
export async function createBuildTree(
  root: string,
  scan: ScanResult,
  { decrypted, tempDir }: { decrypted: ReadonlyMap<string, Buffer | string>; tempDir: string },
): Promise<BuildTree> {
  await mkdir(tempDir, { recursive: true, mode: 0o700 });
  const base = await mkdtemp(join(tempDir, 'build-'));
  const dir = join(base, 'source');
  const scratchDir = scan.remote.length > 0 ? join(base, 'scratch') : undefined;
  const remove = () => rm(base, { recursive: true, force: true });
  try {
    if (scratchDir !== undefined) await mkdir(scratchDir);
    const written = new Map<string, Buffer | string>([...scan.rewritten, ...decrypted]);
    const parents = new Set([...scan.plain, ...scan.rewritten.keys()].map((path) => dirname(path)));
    for (const parent of parents) await mkdir(join(dir, parent), { recursive: true });
    await Promise.all([
      ...[...scan.plain]
        .filter((path) => !written.has(path))
        .map((path) => copyFile(join(root, path), join(dir, path), constants.COPYFILE_FICLONE)),
      ...[...written].map(([path, content]) => writeFile(join(dir, path), content)),
    ]);
    return { dir, scratchDir, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
