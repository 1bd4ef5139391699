import { deflateSync } from 'node:zlib';
import { BudgetError, LruBytes, TimeSlice } from '@sluice/shared/base';
import git, { Errors, type PromiseFsClient, type TreeEntry } from 'isomorphic-git';
import { gitdir, memoryFs } from './memory-fs.ts';
import { PackError } from './pack-error.ts';
import type { PackReader } from './pack-reader.ts';
import { isOid } from './refs.ts';

/** A file of a commit's tree. */
export interface GitFile {
  path: string;
  executable: boolean;
  /** Name of the blob. */
  oid: string;
}

/** A commit of another repository in a tree. */
export interface GitLink {
  path: string;
  commit: string;
}

export interface TreeListing {
  files: GitFile[];
  /** Submodules, whose content is elsewhere. */
  submodules: GitLink[];
  /** What was counted against the limits. */
  entries: number;
  pathChars: number;
}

/** What a commit says about itself. */
export interface CommitInfo {
  oid: string;
  tree: string;
  /** First line of the message. */
  subject: string;
  /** Name of the author, as the commit has it. */
  author: string;
  /** When it was committed, in milliseconds since the epoch, as the commit has it. */
  committedAt: number | undefined;
}

const executableBits = 0o111;
const symlinkMode = '120000';
const maxDepth = 256;
/** Trees that were read and may come again: one that names itself many times over is read once. */
const cachedTreeBytes = 16 * 1024 * 1024;

/** Bounds of a walk; a few small trees that name each other stand for any number of files. */
export interface TreeLimits {
  /** Files, directories, links and submodules. */
  maxEntries: number;
  /** Characters of all paths together. */
  maxPathChars: number;
}

export const defaultTreeLimits: TreeLimits = {
  maxEntries: 500_000,
  maxPathChars: 64 * 1024 * 1024,
};

/**
 * Reads a commit, following tag objects to it.
 *
 * @throws PackError when there is none
 */
export async function readCommit(pack: PackReader, oid: string): Promise<CommitInfo> {
  const fs = objectFiles(pack);
  const { oid: name, commit } = await translate(oid, () => git.readCommit({ fs, gitdir, oid }));
  if (!isOid(commit.tree ?? '')) throw new PackError(`commit ${name} has no tree`);
  return {
    oid: name,
    tree: commit.tree,
    subject: commit.message.trimStart().split('\n', 1)[0] ?? '',
    author: commit.author?.name ?? '',
    committedAt: millisecondsOf(commit.committer?.timestamp),
  };
}

function millisecondsOf(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : 1000 * seconds;
}

/**
 * Lists all files below a tree. Symbolic links are left out, as in every artifact.
 *
 * @param base directory that all paths begin with, such as that of a submodule; empty for none
 * @throws PackError when a name could leave the tree or fake a repository, or is there twice; BudgetError when a limit
 *   is exceeded
 */
export async function listTree(
  pack: PackReader,
  root: string,
  limits: TreeLimits = defaultTreeLimits,
  base = '',
): Promise<TreeListing> {
  const readTree = treeReader(pack);
  const slice = new TimeSlice();
  const listing: TreeListing = { files: [], submodules: [], entries: 0, pathChars: 0 };
  const open: { oid: string; path: string; depth: number }[] = [
    { oid: root, path: base, depth: 0 },
  ];
  for (let dir = open.pop(); dir !== undefined; dir = open.pop()) {
    const { oid, path: parent, depth } = dir;
    if (slice.isOver) await slice.next();
    if (depth > maxDepth) throw new BudgetError(`directories are nested over ${maxDepth} deep`);
    for (const entry of await readTree(oid)) {
      if (++listing.entries > limits.maxEntries) {
        throw new BudgetError(`it has more than ${limits.maxEntries} files`);
      }
      if (entry.path === '') throw refusedName(entry.path);
      const path = parent === '' ? entry.path : `${parent}/${entry.path}`;
      listing.pathChars += path.length;
      if (listing.pathChars > limits.maxPathChars) {
        throw new BudgetError(`its paths have more than ${limits.maxPathChars} characters`);
      }
      if (entry.type === 'tree') open.push({ oid: entry.oid, path, depth: depth + 1 });
      else if (entry.type === 'commit') listing.submodules.push({ path, commit: entry.oid });
      else if (entry.mode !== symlinkMode) {
        const executable = (Number.parseInt(entry.mode, 8) & executableBits) !== 0;
        listing.files.push({ path, executable, oid: entry.oid });
      }
    }
  }
  return listing;
}

/** Reads trees through isomorphic-git, which refuses names that are none. */
function treeReader(pack: PackReader): (oid: string) => Promise<TreeEntry[]> {
  const repository = { fs: objectFiles(pack), gitdir, cache: {} };
  const known = new LruBytes<TreeEntry[]>(cachedTreeBytes);
  return async (oid) => {
    const cached = known.get(oid);
    if (cached !== undefined) return cached;
    const { tree } = await translate(oid, () => git.readTree({ ...repository, oid }));
    refuseRepeated(tree);
    known.set(oid, tree, 8 * pack.sizeOf(oid) + 64);
    return tree;
  };
}

/** A file, a link and a submodule of one name would each be what another reader takes it for. */
function refuseRepeated(tree: TreeEntry[]): void {
  const names = new Set<string>();
  for (const { path } of tree) {
    if (names.has(path)) {
      throw new PackError(`the file name ${JSON.stringify(path)} is there twice`);
    }
    names.add(path);
  }
}

/** Shows a pack's objects to isomorphic-git as files of their own, which spares it the deltas. */
function objectFiles(pack: PackReader): { promises: PromiseFsClient['promises'] } {
  const slice = new TimeSlice();
  return memoryFs({
    async read(path) {
      const [, start, end] = /\/objects\/(..)\/([0-9a-f]{38})$/.exec(path) ?? [];
      if (start === undefined) return undefined;
      if (slice.isOver) await slice.next();
      const { type, content } = pack.get(`${start}${end}`);
      const head = Buffer.from(`${type} ${content.length}\0`);
      return deflateSync(Buffer.concat([head, content]), { level: 0 });
    },
    write: async () => undefined,
  });
}

/** Runs a read of isomorphic-git's and makes its errors ours. */
async function translate<R>(oid: string, read: () => Promise<R>): Promise<R> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof PackError || error instanceof BudgetError) throw error;
    if (error instanceof Errors.ObjectTypeError) {
      const { actual, expected } = error.data;
      throw new PackError(`object ${oid} is a ${actual}, not a ${expected}`);
    }
    if (error instanceof Errors.UnsafeFilepathError) throw refusedName(error.data.filepath);
    throw new PackError(`object ${oid} is damaged`, { cause: error });
  }
}

/** Names which leave the directory, or which some file system takes for `.git`. */
function refusedName(name: string): PackError {
  return new PackError(`the file name ${JSON.stringify(name)} is not allowed`);
}
