import type { Kustomization } from '@sluice/shared/api';
import {
  type AdmittedChange,
  cleanSnapshots,
  keepSnapshot,
  keepsSnapshots,
} from '@sluice/shared/applier';
import { SecretMasker } from '@sluice/shared/base';
import type { Target } from '@sluice/shared/engine';
import { withBuild } from './build.ts';
import { cachedBuild } from './drift.ts';
import { sayWarning } from './events.ts';
import { withOwnNamespaces } from './renamed-namespaces.ts';
import type { Build, Run } from './run.ts';

/** The part of the status that knows Snapshots. */
type Known = Pick<
  AdmittedChange,
  'digest' | 'snapshot' | 'healthy' | 'healthySnapshot' | 'previous' | 'previousSnapshot'
>;

/** Returns an object as the target of its Snapshots. */
export function snapshotTarget(object: Kustomization) {
  return { ...object, kind: 'Kustomization' as const };
}

/** Returns the digests of the changes of which there are Snapshots. */
function referredTo(change: Known | undefined): string[] {
  if (change === undefined) return [];
  const { digest, snapshot, healthy, healthySnapshot, previous, previousSnapshot } = change;
  const found = [snapshot && digest, healthySnapshot && healthy, previousSnapshot && previous];
  return found.filter((each) => each !== undefined);
}

/** Writes the status, and removes the Snapshots that it refers to no more. */
export async function forgetSnapshots(run: Run): Promise<void> {
  const { ctx, signal, object } = run;
  await ctx.status.patch();
  const digests = referredTo(ctx.status.status.change);
  await cleanSnapshots(snapshotTarget(object), digests, { client: ctx.client, signal });
}

/** Returns the digest of what is kept; undefined when it cannot be, which is said once. */
async function keep(
  run: Run,
  target: Target,
  { build, change }: { build: Build; change: AdmittedChange },
): Promise<string | undefined> {
  const { state, ctx, signal, object } = run;
  const { digest, revision } = change;
  if (state.unkept === digest) return undefined;
  const secrets = new SecretMasker();
  for (const text of build.secrets) secrets.add(text);
  const objects = await withOwnNamespaces(run, target, build);
  const holdsSecret = (text: string) => secrets.mask(text) !== text;
  const kept = await keepSnapshot(
    snapshotTarget(object),
    { digest, revision, objects, holdsSecret },
    { client: ctx.client, signal },
  );
  if (kept.type === 'kept') return kept.contentDigest;
  state.unkept = digest;
  const effect =
    'it cannot be rolled back to, and its drift is not corrected after a restart while another change waits';
  await sayWarning(
    run,
    'SnapshotNotKept',
    `No Snapshot of revision ${revision} is kept, so that ${effect}: ${kept.why}`,
  );
  return undefined;
}

/**
 * Keeps a change that was approved, before its first write: drift is corrected towards it, whatever becomes of the source.
 *
 * @throws ApiError, ConnectionError when the Snapshot cannot be written now
 */
export async function keepAdmitted(run: Run, target: Target, build: Build): Promise<void> {
  const { change } = run.ctx.status.status;
  const isApproved = run.object.spec.changePolicy?.mode === 'Approve';
  if (!isApproved || change === undefined || change.snapshot !== undefined) return;
  const digest = await keep(run, target, { build, change });
  if (digest !== undefined) change.snapshot = digest;
}

/** Returns what is applied, carried out once more when it is no longer in memory; undefined when it is another one then. */
async function appliedBuild(run: Run): Promise<Build | undefined> {
  const build = cachedBuild(run) ?? (await withBuild(run, (prepared) => prepared.objects()));
  return build.digest === run.state.applied?.digest ? build : undefined;
}

/**
 * Keeps a change that has become healthy, if it may be asked for again, and removes the Snapshots that are of no use any
 * more. Does nothing when nothing is new.
 *
 * @throws ApiError, ConnectionError when a Snapshot cannot be written or removed now
 */
export async function keepHealthy(run: Run, target: Target): Promise<void> {
  const { ctx, object, state } = run;
  const { change } = ctx.status.status;
  if (change === undefined) return;
  const before = referredTo(ctx.status.observed.status?.change);
  if (!keepsSnapshots(object)) {
    delete change.snapshot;
    delete change.healthySnapshot;
    delete change.previousSnapshot;
  } else if (change.healthySnapshot === undefined) {
    const build = await appliedBuild(run);
    const digest = build && (await keep(run, target, { build, change }));
    if (digest !== undefined) {
      change.snapshot = digest;
      change.healthySnapshot = digest;
    }
  }
  const after = referredTo(change);
  // A process may have ended before the status knew of the one that it has kept.
  const mayHaveMore = keepsSnapshots(object) && !state.isTidy;
  if (mayHaveMore || before.some((digest) => !after.includes(digest))) await forgetSnapshots(run);
  state.isTidy = true;
}
