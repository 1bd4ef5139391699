import { setImmediate } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import git, { Errors, type PromiseFsClient } from 'isomorphic-git';
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

export interface TreeListing {
  files: GitFile[];
  /** Paths of submodules, whose content is elsewhere. */
  submodules: string[];
}

/** What a commit says about itself. */
export interface CommitInfo {
  oid: string;
  tree: string;
  /** First line of the message. */
  subject: string;
}

const executableBits = 0o111;
const symlinkMode = '120000';
const maxDepth = 256;
/** Longest time, in milliseconds, for which the event loop is held up. */
const sliceMs = 5;

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
  };
}

/**
 * Lists all files below a tree. Symbolic links are left out, as in every artifact.
 *
 * @param maxFiles limit of files, which also ends trees that repeat themselves
 * @throws PackError when a name could leave the tree or fake a repository, or a limit is exceeded
 */
export async function listTree(
  pack: PackReader,
  root: string,
  maxFiles: number,
): Promise<TreeListing> {
  const repository = { fs: objectFiles(pack), gitdir, cache: {} };
  const listing: TreeListing = { files: [], submodules: [] };
  const open: { oid: string; path: string; depth: number }[] = [{ oid: root, path: '', depth: 0 }];
  let visited = 0;
  for (let dir = open.pop(); dir !== undefined; dir = open.pop()) {
    const { oid, path: parent, depth } = dir;
    if (depth > maxDepth) throw new PackError(`directories are nested over ${maxDepth} deep`);
    const { tree } = await translate(oid, () => git.readTree({ ...repository, oid }));
    for (const entry of tree) {
      if (++visited > maxFiles) throw new PackError(`it has more than ${maxFiles} files`);
      if (entry.path === '') throw refusedName(entry.path);
      const path = parent === '' ? entry.path : `${parent}/${entry.path}`;
      if (entry.type === 'tree') open.push({ oid: entry.oid, path, depth: depth + 1 });
      else if (entry.type === 'commit') listing.submodules.push(path);
      else if (entry.mode !== symlinkMode) {
        const executable = (Number.parseInt(entry.mode, 8) & executableBits) !== 0;
        listing.files.push({ path, executable, oid: entry.oid });
      }
    }
  }
  return listing;
}

/** Shows a pack's objects to isomorphic-git as files of their own, which spares it the deltas. */
function objectFiles(pack: PackReader): { promises: PromiseFsClient['promises'] } {
  let resumedAt = performance.now();
  return memoryFs({
    async read(path) {
      const [, start, end] = /\/objects\/(..)\/([0-9a-f]{38})$/.exec(path) ?? [];
      if (start === undefined) return undefined;
      if (performance.now() - resumedAt > sliceMs) {
        await setImmediate();
        resumedAt = performance.now();
      }
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
    if (error instanceof PackError) throw error;
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
