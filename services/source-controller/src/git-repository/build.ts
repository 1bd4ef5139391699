import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { originMetadata } from '@sluice/shared/artifact';
import { RetryableError } from '@sluice/shared/base';
import type { GitRemote } from '../adapters/git/remote.ts';
import { packTreeAnywhere } from '../packing/packing-workers.ts';
import { cleanPath } from '../source/clean-path.ts';
import { fetchFailedCondition } from '../source/names.ts';
import { commitArtifact, placeArtifact, writeArtifact } from '../source/publish.ts';
import { noteVerified, phase } from '../source/status.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { turnOf } from '../source/turn.ts';
import type { GitContext, GitRepositoryDeps } from './deps.ts';
import { fetchSubmodules } from './fetch-submodules.ts';
import { gitOperation, whyRefused } from './git-errors.ts';
import { inclusionsOf } from './includes.ts';
import type { PackTreeResult, PackTreeTask } from './pack-tree.ts';
import { gitFailedReason, type ResolvedRef } from './resolve-ref.ts';
import { asVerdict, verificationOf } from './verification.ts';

/** What to build. */
export interface Target {
  address: URL;
  remote: GitRemote;
  ref: ResolvedRef;
  limit: TimeLimit;
  includes: Artifact[];
}

export interface Built {
  artifact: Artifact;
  /** First line of the commit's message. */
  subject: string;
}

/** A large pack goes to the disk while it arrives. */
const maxPackBytes = 256 * 1024 * 1024;

/**
 * Fetches a commit and stores its artifact.
 *
 * @throws RetryableError `GitOperationFailed` when fetching fails or what came is damaged,
 *   `ArchiveOperationFailed` when it cannot be stored; as {@link verificationOf} and {@link asVerdict}
 */
export async function build(
  context: GitContext,
  deps: GitRepositoryDeps,
  target: Target,
): Promise<Built> {
  const { object, status } = context;
  const { remote, ref, limit } = target;
  const settings = await phase(status, fetchFailedCondition, () =>
    contentSettings(context, deps, target),
  );
  // A server that hands out no commit by its name may have it in the history of the branch.
  const { commit: pinned, branch } = object.spec.ref ?? {};
  const fallback = pinned ? branch || 'HEAD' : undefined;
  const verification = await verificationOf(context, ref);
  const path = join(deps.tempDir, `pack-${randomBytes(8).toString('hex')}`);
  const place = await placeArtifact(context, deps.store, `${ref.commit}.tar.gz`);
  try {
    const pack = await phase(status, fetchFailedCondition, () =>
      gitOperation(object.spec.url, limit, () =>
        remote.fetchPack({
          commit: verification?.tag?.oid ?? ref.commit,
          fallback,
          path,
          maxBytes: maxPackBytes,
        }),
      ),
    );
    const root = { pack, commit: ref.commit, address: target.address, verification };
    const { sparse } = settings;
    const inside = { sparse, limit, dir: `${path}.s`, maxBytes: maxPackBytes };
    const submodules = await fetchSubmodules(context, deps, root, inside);
    const content = { ...settings, pack, submodules, verification };
    const task = { ...content, destination: place.temporary, workDir: `${path}.d` };
    const packed = await packTreeInTurn(context, deps, limit, task);
    const { subject, author, committedAt, digest, size, verified } = packed;
    const metadata = originMetadata({ author, committedAt, subject, url: object.spec.url });
    const written = { revision: ref.revision, digest, size, metadata };
    const artifact = await commitArtifact(context, deps.store, place, written);
    noteVerified(status, verified);
    return { artifact, subject };
  } finally {
    await place.discard();
    await rm(path, { force: true });
    for (const ending of ['d', 's'])
      await rm(`${path}.${ending}`, { recursive: true, force: true });
  }
}

type ContentSettings = Omit<
  PackTreeTask,
  'pack' | 'submodules' | 'verification' | 'destination' | 'workDir'
>;

async function contentSettings(
  { object }: GitContext,
  deps: GitRepositoryDeps,
  { ref, includes }: Target,
): Promise<ContentSettings> {
  const { spec } = object;
  const inclusions = inclusionsOf(object, includes);
  return {
    commit: ref.commit,
    specIgnore: spec.ignore,
    sparse: (spec.sparseCheckout ?? []).map((path, index) =>
      cleanPath(path, `spec.sparseCheckout[${index}]`),
    ),
    includes: await Promise.all(
      inclusions.map(async (inclusion) => ({
        ...inclusion,
        archive: await deps.store.localPath(inclusion.archive),
      })),
    ),
    algorithm: deps.store.digestAlgorithm,
    maxBytes: deps.maxArtifactBytes,
  };
}

function packTreeInTurn(
  context: GitContext,
  deps: GitRepositoryDeps,
  limit: TimeLimit,
  task: PackTreeTask,
): Promise<PackTreeResult> {
  const turn = turnOf(context, deps, limit.signal);
  return writeArtifact(
    context,
    () =>
      deps.packing
        .run(turn.share, () => packTreeAnywhere(task, turn), turn.signal)
        .catch((error: unknown) => asVerdict(context, error)),
    (cause) => {
      limit.throwIfStopped();
      const why = limit.error ?? whyRefused(cause);
      const message = `failed to checkout commit ${task.commit}: ${why}`;
      return why === undefined
        ? undefined
        : new RetryableError(gitFailedReason, message, { cause });
    },
  );
}
