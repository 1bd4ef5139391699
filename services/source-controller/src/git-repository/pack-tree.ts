import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defaultArchiveLimits,
  defaultIgnoreLimits,
  type IgnoreLimits,
  type PackResult,
  packArtifact,
  readDirectory,
  type TreeEntry,
  unpackFileHere,
  withoutIgnored,
} from '@sluice/shared/artifact';
import type { DigestAlgorithm } from '@sluice/shared/base';
import type { StoredPack } from '../adapters/git/pack-source.ts';
import { readCommit } from '../adapters/git/tree.ts';
import { defaultRepositoryLimits, OpenPacks, type RepositoryLimits } from './open-packs.ts';
import { takeSparse } from './sparse.ts';
import { type Verification, verifyObjects } from './verify-objects.ts';

/** Everything needed to make an artifact of a fetched commit; plain data, so that a thread can do it. */
export interface PackTreeTask {
  pack: StoredPack;
  commit: string;
  /** Submodules, those inside of others included, with their directories. */
  submodules: { path: string; commit: string; pack: StoredPack }[];
  /** What has to be signed before anything is made. */
  verification?: Verification;
  specIgnore?: string;
  /** Directories to take; everything when empty. */
  sparse: string[];
  /** Paths of archives on the disk, with the directories to copy between. */
  includes: { archive: string; from: string; to: string }[];
  destination: string;
  /** A directory that does not exist yet; to be removed by the caller. */
  workDir: string;
  algorithm: DigestAlgorithm;
  /** Most bytes that the files of the artifact may hold together. */
  maxBytes: number;
  /** Most bytes of one object; as many as ever when undefined. */
  maxObjectBytes?: number;
}

export interface PackTreeResult extends PackResult {
  /** First line of the commit's message. */
  subject: string;
  /** Name of the commit's author. */
  author: string;
  committedAt: number | undefined;
  files: number;
  /** What was verified, in words. */
  verified?: string;
}

/** What making one artifact may cost. */
export interface PackTreeLimits extends RepositoryLimits {
  ignore: IgnoreLimits;
}

/** Limits for a thread of its own. */
export const defaultPackTreeLimits: PackTreeLimits = {
  ...defaultRepositoryLimits,
  ignore: defaultIgnoreLimits,
};

/**
 * Makes an artifact of a commit straight from the objects of a pack, in the calling thread.
 *
 * @throws PackError when the pack is damaged; BudgetError when it, or the artifact, is over a limit
 * @throws MissingDirectoryError when a directory to take does not exist
 * @throws as {@link verifyObjects} when something is not signed as it must be
 */
export async function packTree(
  task: PackTreeTask,
  limits: PackTreeLimits = defaultPackTreeLimits,
): Promise<PackTreeResult> {
  const { submodules, maxObjectBytes } = task;
  const packs = new OpenPacks(limits, { count: 1 + submodules.length, maxObjectBytes });
  try {
    const pack = await packs.open(task.pack);
    const verified =
      task.verification && (await verifyObjects(pack, task.commit, task.verification));
    const commit = await readCommit(pack, task.commit);
    const { entries: own } = await packs.list(pack, commit.tree);
    for (const submodule of submodules) own.push(...(await submoduleEntries(packs, submodule)));
    const entries = new Map(takeSparse(own, task.sparse).map((entry) => [entry.path, entry]));
    for (const entry of await includedEntries(task)) entries.set(entry.path, entry);
    const kept = await withoutIgnored([...entries.values()], task.specIgnore, limits.ignore);
    const { algorithm, maxBytes } = task;
    const result = await packArtifact(kept, task.destination, { algorithm, maxBytes });
    const { subject, author, committedAt } = commit;
    return {
      ...result,
      subject,
      author,
      committedAt,
      files: kept.length,
      ...(verified && { verified }),
    };
  } finally {
    packs.close();
  }
}

async function submoduleEntries(
  packs: OpenPacks,
  { path, commit, pack: stored }: PackTreeTask['submodules'][number],
): Promise<TreeEntry[]> {
  const pack = await packs.open(stored);
  const { tree } = await readCommit(pack, commit);
  return (await packs.list(pack, tree, path)).entries;
}

/** All included artifacts together are unpacked within the limits of one. */
async function includedEntries({
  includes,
  workDir,
  maxBytes,
}: PackTreeTask): Promise<TreeEntry[]> {
  if (includes.length === 0) return [];
  await mkdir(workDir, { mode: 0o700 });
  const left = { ...defaultArchiveLimits, maxBytes };
  const entries: TreeEntry[] = [];
  for (const include of includes) {
    const dir = await mkdtemp(join(workDir, 'archive-'));
    const { files, bytes } = await unpackFileHere(include.archive, dir, left);
    left.maxBytes -= bytes;
    left.maxFiles -= files;
    entries.push(...(await entriesOf(include, dir)));
  }
  return entries;
}

async function entriesOf(
  include: PackTreeTask['includes'][number],
  dir: string,
): Promise<TreeEntry[]> {
  const prefix = include.from === '' ? '' : `${include.from}/`;
  const target = include.to === '' ? '' : `${include.to}/`;
  const entries = (await readDirectory(dir)).filter((entry) => entry.path.startsWith(prefix));
  return entries.map((entry) => ({ ...entry, path: target + entry.path.slice(prefix.length) }));
}
