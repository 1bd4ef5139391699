import { type AdmittedChange, type HeldChange, readSnapshot } from '@sluice/shared/applier';
import type { Target } from '@sluice/shared/engine';
import { applyAndPrune } from './apply-and-prune.ts';
import { cachedBuild } from './drift.ts';
import { snapshotTarget } from './keep-snapshots.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import { noteAttempt } from './status.ts';

/** What an object takes in memory, about, in bytes. */
const objectBytes = 4096;

/** What a Snapshot gives back. */
export type Recalled = { type: 'build'; key: string; build: Build } | { type: 'none'; why: string };

function keyOf(contentDigest: string): string {
  return `snapshot ${contentDigest}`;
}

/**
 * Returns the objects of a change from its Snapshot.
 *
 * @param change.contentDigest of the Snapshot; undefined when the status knows of none
 * @throws ApiError, ConnectionError when it cannot be read now
 */
export async function recallChange(
  run: Run,
  change: { digest: string; revision: string; contentDigest: string | undefined },
): Promise<Recalled> {
  const { ctx, deps, object, signal } = run;
  const { digest, revision, contentDigest } = change;
  if (contentDigest === undefined)
    return {
      type: 'none',
      why: `no Snapshot of revision ${revision} is kept: it was too large, or spec.changePolicy did not ask for one then`,
    };
  const key = keyOf(contentDigest);
  const known = deps.builds.get(key);
  if (known !== undefined) return { type: 'build', key, build: known };
  const found = await readSnapshot(
    snapshotTarget(object),
    { digest, contentDigest },
    { client: ctx.client, signal },
  );
  if (found.type === 'unusable') return { type: 'none', why: found.why };
  const { objects, leftOut } = found;
  const build: Build = { objects, leftOut, digest: contentDigest, secrets: [], renamed: [] };
  deps.builds.set(key, build, 1024 + objects.length * objectBytes);
  return { type: 'build', key, build };
}

/** As a reconcile of the change that the Snapshot is of: that is what is told. */
function asOf(run: Run, { revision }: AdmittedChange, contentDigest: string): Run {
  const { artifact } = sourceOf(run);
  const { metadata: _, ...rest } = artifact;
  const former = { ...rest, revision, digest: contentDigest };
  return { ...run, source: { artifact: former, revision, originRevision: undefined } };
}

/** Returns a reconcile as one of the change that was let through last, which is what its health is told of. */
export function asOfApplied(run: Run): Run {
  const { change } = run.ctx.status.status;
  return change === undefined ? run : asOf(run, change, change.snapshot ?? change.digest);
}

/** Returns what there is to say of what a build does not hold. */
export function leftOutNote({ leftOut = [] }: Build): string {
  if (leftOut.length === 0) return '';
  return `. Secrets and objects that hold secret texts stay as they are (${leftOut.length}), as no Snapshot holds them`;
}

/** Whether memory has what should be in the cluster. */
function isInMemory(run: Run, held: HeldChange, key: string | undefined): boolean {
  if (cachedBuild(run) === undefined) return false;
  return held.reason !== 'RolledBack' || run.state.applied?.buildKey === key;
}

/**
 * Applies what a Snapshot has given back, which is of the change that was let through last.
 *
 * @throws RetryableError ReconciliationFailed, PruneFailed
 */
export async function applyChange(
  run: Run,
  target: Target,
  found: Extract<Recalled, { type: 'build' }>,
): Promise<void> {
  const { change } = run.ctx.status.status;
  if (change === undefined) throw new Error('no change was let through');
  await applyAndPrune(asOf(run, change, found.build.digest), target, found);
  noteAttempt(run);
}

/**
 * Sees to it that what was let through last is known, and in the cluster, while another change waits: from memory, or else,
 * as after a restart or for a rollback, from its Snapshot, which is applied.
 *
 * @returns what there is to say of it, after the message of the change that waits
 * @throws RetryableError ReconciliationFailed, PruneFailed; ApiError, ConnectionError when the Snapshot cannot be read now
 */
export async function recallApplied(run: Run, target: Target, held: HeldChange): Promise<string> {
  const { change } = run.ctx.status.status;
  if (change === undefined || held.holdsDrift) return '';
  const { snapshot } = change;
  if (isInMemory(run, held, snapshot && keyOf(snapshot))) {
    const build = cachedBuild(run);
    return build === undefined ? '' : leftOutNote(build);
  }
  const found = await recallChange(run, { ...change, contentDigest: snapshot });
  if (found.type === 'none') return `. Drift is not corrected meanwhile: ${found.why}`;
  await applyChange(run, target, found);
  return leftOutNote(found.build);
}
