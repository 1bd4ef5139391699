import { reconcileRequestAnnotation } from '@sluice/shared/api';
import { forgetOwnWrites, HealthReads, type Target } from '@sluice/shared/engine';
import { withSpan } from '@sluice/shared/runtime';
import { applyBuild, settleInventory } from './apply.ts';
import type { PreparedBuild } from './build.ts';
import { noteChange } from './note-change.ts';
import { pruneStale } from './prune.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import { type AppliedBuild, revisionOf } from './state.ts';

/** Names everything that a finished apply was made for; another one means that there is something new to do. */
export function fingerprintOf(run: Run): string {
  const { uid, generation, annotations } = run.object.metadata;
  const { artifact, revision } = sourceOf(run);
  const request = annotations?.[reconcileRequestAnnotation] ?? '';
  return JSON.stringify([uid, generation, artifact.digest, revision, request]);
}

/** What a revision has changed remains so when it is applied once more. */
function changesSoFar(run: Run, former: AppliedBuild | undefined): string {
  if (former === undefined) return '';
  return revisionOf(former) === sourceOf(run).revision ? former.changes : '';
}

/** A build that was carried out. */
export interface KeyedBuild {
  /** As {@link PreparedBuild} has it. */
  key: PreparedBuild['key'];
  build: Build;
}

async function carryOut(run: Run, target: Target, { key, build }: KeyedBuild): Promise<boolean> {
  const { state, object } = run;
  const isNewRevision = object.status?.lastAppliedRevision !== sourceOf(run).revision;
  const former = state.applied;
  state.applied = undefined;
  state.meanwhile = new Map();
  // They were of former objects, by former expressions.
  state.reads = new HealthReads();
  const report = await withSpan('apply', {}, async (span) => {
    span.set({ 'sluice.objects': build.objects.length });
    const applied = await applyBuild(run, target, { build, former });
    span.set({ 'sluice.changed': applied.changed });
    return applied;
  });
  settleInventory(run, target, report);
  const { inventory, kept } = await withSpan(
    'prune',
    { attributes: { 'sluice.objects': report.stale.length } },
    () => pruneStale(run, target, { report, digest: build.digest }),
  );
  state.applied = {
    fingerprint: fingerprintOf(run),
    generation: object.metadata.generation ?? 0,
    buildKey: key,
    digest: build.digest,
    objects: report.objects,
    inventory,
    kept,
    changed: report.changed,
    changes: report.changed ? report.changes : changesSoFar(run, former),
    isNewRevision,
    startedAt: run.startedAt,
  };
  state.reported.clear();
  // Some of what the watches saw could not be judged before it was known what was applied.
  for (const change of state.meanwhile?.values() ?? [])
    noteChange(change, target.cluster, { state, object });
  await forgetOwnWrites(target, state);
  return report.changed || report.stale.length > 0;
}

/**
 * Applies a build, deletes what left it, and remembers what is applied.
 *
 * @returns whether anything changed in the cluster
 * @throws RetryableError ReconciliationFailed, PruneFailed
 */
export async function applyAndPrune(run: Run, target: Target, keyed: KeyedBuild): Promise<boolean> {
  try {
    return await carryOut(run, target, keyed);
  } finally {
    run.state.meanwhile = undefined;
  }
}
