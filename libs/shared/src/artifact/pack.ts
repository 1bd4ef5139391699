import { rm } from 'node:fs/promises';
import { BudgetError, type DigestAlgorithm } from '../base/index.ts';
import { GzipFile } from './gzip-file.ts';
import { encodeTarHeader, endOfArchive, paddingAfter } from './tar-header.ts';
import { safePathParts, sortByPath, type TreeEntry } from './tree.ts';

export interface PackResult {
  /** Digest of the file, `sha256:…`. */
  digest: string;
  /** Size of the file in bytes. */
  size: number;
}

export interface PackOptions {
  algorithm?: DigestAlgorithm;
  signal?: AbortSignal;
  /** Most bytes that the files may hold together. */
  maxBytes?: number;
}

/**
 * Writes a tree as a reproducible `tar.gz`: lexical order, owner 0, no times, fixed modes, so that the same
 * tree gives the same bytes on every machine. The file is durable when this resolves.
 *
 * @param destination path of the file to create; it must not exist, and does not after a failure
 * @throws UnsafePathError when a path would leave the tree; BudgetError when the files hold too much
 */
export async function packArtifact(
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
  destination: string,
  options: PackOptions = {},
): Promise<PackResult> {
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
  const sorted = await sortEntries(entries);
  // What is known is refused before anything is written.
  checkSum(
    sorted.reduce((sum, { size = 0 }) => sum + size, 0),
    maxBytes,
  );
  const file = await GzipFile.create(destination, options.algorithm);
  try {
    const written = new Set<string>();
    let bytes = 0;
    for (const entry of sorted) {
      options.signal?.throwIfAborted();
      const content = await contentOf(entry);
      bytes += content.size;
      checkSum(bytes, maxBytes);
      await writeEntry(file, entry, { content, written });
    }
    await file.write(endOfArchive());
    return await file.finish();
  } catch (error) {
    await file.abort().catch(() => undefined);
    await rm(destination, { force: true });
    throw error;
  }
}

/** What a file holds, at once or in parts. */
interface Content {
  size: number;
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Files above this many bytes are read in parts, where that is possible. */
const streamedBytes = 1024 * 1024;

async function contentOf({ size = 0, read, stream }: TreeEntry): Promise<Content> {
  if (stream !== undefined && size > streamedBytes) return { size, parts: stream() };
  const content = await read();
  return { size: content.length, parts: [content] };
}

function checkSum(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new BudgetError(
    `the files of the artifact hold more than ${maxBytes} bytes, the limit of --artifact-max-size: leave some out with spec.ignore`,
  );
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
  { content, written: directories }: { content: Content; written: Set<string> },
): Promise<void> {
  const parts = safePathParts(entry.path);
  for (let depth = 1; depth < parts.length; depth++) {
    const path = parts.slice(0, depth).join('/');
    if (directories.has(path)) continue;
    directories.add(path);
    await file.write(encodeTarHeader({ path, type: 'Directory' }));
  }
  const { path, executable } = entry;
  await file.write(encodeTarHeader({ path, type: 'File', executable, size: content.size }));
  let written = 0;
  for await (const part of content.parts) {
    written += part.length;
    await file.write(part);
  }
  if (written !== content.size) throw new Error(`file '${path}' has changed while it was packed`);
  await file.write(paddingAfter(written));
}
