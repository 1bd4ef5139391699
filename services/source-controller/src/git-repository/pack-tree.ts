import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createIgnore,
  type IgnoreFile,
  ignoreFileName,
  type PackResult,
  packArtifact,
  readDirectory,
  type TreeEntry,
  unpackArchive,
} from '@sluice/shared/artifact';
import type { DigestAlgorithm } from '@sluice/shared/base';
import { PackError } from '../adapters/git/pack-error.ts';
import { PackReader } from '../adapters/git/pack-reader.ts';
import { openPack, type StoredPack } from '../adapters/git/pack-source.ts';
import { listTree, readCommit } from '../adapters/git/tree.ts';

/** Everything needed to make an artifact of a fetched commit; plain data, so that a thread can do it. */
export interface PackTreeTask {
  pack: StoredPack;
  commit: string;
  specIgnore?: string;
  /** Directories to take; everything when empty. */
  sparse: string[];
  /** Paths of archives on the disk, with the directories to copy between. */
  includes: { archive: string; from: string; to: string }[];
  destination: string;
  algorithm: DigestAlgorithm;
}

export interface PackTreeResult extends PackResult {
  /** First line of the commit's message. */
  subject: string;
  files: number;
}

/** A directory of `spec.sparseCheckout` that the repository does not have. */
export class MissingDirectoryError extends Error {
  override name = 'MissingDirectoryError';
}

const maxFiles = 500_000;

/**
 * Makes an artifact of a commit straight from the objects of a pack, in the calling thread.
 *
 * @throws PackError when the pack is damaged or over a limit
 * @throws MissingDirectoryError when a directory to take does not exist
 */
export async function packTree(task: PackTreeTask): Promise<PackTreeResult> {
  const source = openPack(task.pack);
  const temporary = await mkdtemp(join(tmpdir(), 'include-'));
  try {
    const pack = await PackReader.open(source);
    const commit = await readCommit(pack, task.commit);
    const { files } = await listTree(pack, commit.tree, maxFiles);
    const own = files.map(
      ({ path, executable, oid }): TreeEntry => ({
        path,
        executable,
        read: () => contentOf(pack, oid),
      }),
    );
    const entries = new Map(takeSparse(own, task.sparse).map((entry) => [entry.path, entry]));
    for (const include of task.includes) {
      for (const entry of await entriesOf(include, temporary)) entries.set(entry.path, entry);
    }
    const kept = await withoutIgnored([...entries.values()], task.specIgnore);
    const { algorithm } = task;
    const result = await packArtifact(kept, task.destination, { algorithm });
    return { ...result, subject: commit.subject, files: kept.length };
  } finally {
    source.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

function contentOf(pack: PackReader, oid: string): Buffer {
  const { type, content } = pack.get(oid);
  if (type !== 'blob') throw new PackError(`object ${oid} is a ${type}, not a file`);
  return content;
}

function takeSparse(entries: TreeEntry[], directories: string[]): TreeEntry[] {
  if (directories.length === 0 || directories.includes('')) return entries;
  for (const directory of directories) {
    if (entries.some((entry) => entry.path.startsWith(`${directory}/`))) continue;
    throw new MissingDirectoryError(`sparse checkout dir '${directory}' does not exist`);
  }
  return entries.filter((entry) =>
    directories.some((directory) => entry.path.startsWith(`${directory}/`)),
  );
}

async function entriesOf(
  include: PackTreeTask['includes'][number],
  temporary: string,
): Promise<TreeEntry[]> {
  const dir = await mkdtemp(join(temporary, 'archive-'));
  await unpackArchive(include.archive, dir);
  const prefix = include.from === '' ? '' : `${include.from}/`;
  const target = include.to === '' ? '' : `${include.to}/`;
  const entries = (await readDirectory(dir)).filter((entry) => entry.path.startsWith(prefix));
  return entries.map((entry) => ({ ...entry, path: target + entry.path.slice(prefix.length) }));
}

async function withoutIgnored(
  entries: TreeEntry[],
  specIgnore: string | undefined,
): Promise<TreeEntry[]> {
  const sourceignoreFiles: IgnoreFile[] = [];
  for (const entry of entries) {
    const slash = entry.path.lastIndexOf('/');
    if (entry.path.slice(slash + 1) !== ignoreFileName) continue;
    const content = Buffer.from(await entry.read()).toString('utf8');
    sourceignoreFiles.push({ dir: entry.path.slice(0, Math.max(0, slash)), content });
  }
  const isIgnored = createIgnore({ sourceignoreFiles, specIgnore });
  return entries.filter((entry) => !isIgnored(entry.path, false));
}
