import { BudgetError } from '@sluice/shared/base';
import { GitConfigError } from '../adapters/git/git-config.ts';
import { MissingCommitError, PackError } from '../adapters/git/pack-error.ts';
import type { StoredPack } from '../adapters/git/pack-source.ts';
import {
  parseSubmodules,
  type SubmoduleConfig,
  submodulesFile,
} from '../adapters/git/submodules.ts';
import { readCommit } from '../adapters/git/tree.ts';
import {
  type Content,
  defaultRepositoryLimits,
  OpenPacks,
  type RepositoryLimits,
} from './open-packs.ts';
import { mayHold } from './sparse.ts';
import { type Verification, verifyObjects } from './verify-objects.ts';

/** Everything needed to find the submodules of a commit; plain data, so that a thread can do it. */
export interface FindSubmodulesTask {
  pack: StoredPack;
  commit: string;
  /** What has to be signed before anything of the commit is believed. */
  verification?: Verification;
  /** Where the repository itself is in the artifact; empty for its root. */
  base: string;
  /** Directories of the artifact to take; everything when empty. */
  sparse: string[];
  /** Most bytes of one object; as many as ever when undefined. */
  maxObjectBytes?: number;
}

/** A submodule that belongs into the artifact. */
export interface FoundSubmodule {
  /** Its directory in the artifact. */
  path: string;
  commit: string;
  /** As `.gitmodules` has it. */
  url: string;
  branch?: string;
}

/** Most submodules of one artifact, those inside of others included. */
export const maxSubmodules = 100;
/** 100 submodules take 10 KiB. */
const maxFileBytes = 512 * 1024;

/**
 * Finds the submodules of a commit: what its tree names a commit for, and `.gitmodules` an address. What that file
 * alone names is none, and what it does not name is left out, as git does.
 *
 * @throws PackError when the pack is damaged, or `.gitmodules`; MissingCommitError when it does not hold the commit
 * @throws BudgetError when something is over a limit; as {@link verifyObjects}
 */
export async function findSubmodules(
  task: FindSubmodulesTask,
  limits: RepositoryLimits = defaultRepositoryLimits,
): Promise<FoundSubmodule[]> {
  const packs = new OpenPacks(limits, { count: 1, maxObjectBytes: task.maxObjectBytes });
  try {
    const pack = await packs.open(task.pack);
    if (task.verification) await verifyObjects(pack, task.commit, task.verification);
    if (!pack.has(task.commit)) throw new MissingCommitError(`commit ${task.commit} is missing`);
    const { tree } = await readCommit(pack, task.commit);
    return await wanted(await packs.list(pack, tree), task);
  } finally {
    packs.close();
  }
}

async function wanted(
  { entries, submodules }: Content,
  { base, sparse }: FindSubmodulesTask,
): Promise<FoundSubmodule[]> {
  const file = entries.find(({ path }) => path === submodulesFile);
  if (file === undefined || submodules.length === 0) return [];
  if ((file.size ?? 0) > maxFileBytes) {
    throw new BudgetError(`its ${submodulesFile} has more than ${maxFileBytes} bytes`);
  }
  const configs = readConfigs(Buffer.from(await file.read()).toString('utf8'));
  const found = submodules.flatMap(({ path: within, commit }) => {
    const config = configs.get(within);
    const path = base === '' ? within : `${base}/${within}`;
    if (config === undefined || !config.isWanted || !mayHold(path, sparse)) return [];
    const { url, branch } = config;
    return [{ path, commit, url, ...(branch !== undefined && { branch }) }];
  });
  if (found.length <= maxSubmodules) return found;
  throw new BudgetError(`it has ${found.length} submodules: at most ${maxSubmodules} are fetched`);
}

function readConfigs(text: string): Map<string, SubmoduleConfig> {
  try {
    return parseSubmodules(text);
  } catch (error) {
    if (!(error instanceof GitConfigError)) throw error;
    throw new PackError(`its ${submodulesFile} ${error.message}`);
  }
}
