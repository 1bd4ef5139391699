import { rm } from 'node:fs/promises';
import type { DigestAlgorithm } from '../base/index.ts';
import { GzipFile } from './gzip-file.ts';
import { encodeTarHeader, endOfArchive, paddingAfter } from './tar-header.ts';
import { safePathParts, sortByPath, type TreeEntry } from './tree.ts';

export interface PackResult {
  /** Digest of the file, `sha256:…`. */
  digest: string;
  /** Size of the file in bytes. */
  size: number;
}

/**
 * Writes a tree as a reproducible `tar.gz`: lexical order, owner 0, no times, fixed modes, so that the same
 * tree gives the same bytes on every machine. The file is durable when this resolves.
 *
 * @param destination path of the file to create; it must not exist, and does not after a failure
 * @throws UnsafePathError when a path would leave the tree
 */
export async function packArtifact(
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
  destination: string,
  options: { algorithm?: DigestAlgorithm; signal?: AbortSignal } = {},
): Promise<PackResult> {
  const sorted = await sortEntries(entries);
  const file = await GzipFile.create(destination, options.algorithm);
  try {
    const written = new Set<string>();
    for (const entry of sorted) {
      options.signal?.throwIfAborted();
      await writeEntry(file, entry, written);
    }
    await file.write(endOfArchive());
    return await file.finish();
  } catch (error) {
    await file.abort().catch(() => undefined);
    await rm(destination, { force: true });
    throw error;
  }
}

async function sortEntries(
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
): Promise<TreeEntry[]> {
  const list: TreeEntry[] = [];
  for await (const entry of entries) list.push(entry);
  return sortByPath(list);
}

async function writeEntry(
  file: GzipFile,
  entry: TreeEntry,
  directories: Set<string>,
): Promise<void> {
  const parts = safePathParts(entry.path);
  for (let depth = 1; depth < parts.length; depth++) {
    const path = parts.slice(0, depth).join('/');
    if (directories.has(path)) continue;
    directories.add(path);
    await file.write(encodeTarHeader({ path, type: 'Directory' }));
  }
  const content = await entry.read();
  const { path, executable } = entry;
  await file.write(encodeTarHeader({ path, type: 'File', executable, size: content.length }));
  await file.write(content);
  await file.write(paddingAfter(content.length));
}
