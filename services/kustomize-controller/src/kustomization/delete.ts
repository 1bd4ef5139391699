import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { joinLines, RetryableError } from '@sluice/shared/base';
import {
  displayName,
  type InventoryEntry,
  parseObjectId,
  type Target,
} from '@sluice/shared/engine';
import { isNotFound, NoKindMatchError } from '@sluice/shared/kube';
import { done, type Outcome, type ReconcileContext, waiting } from '@sluice/shared/runtime';
import { sayWarning } from './events.ts';
import { deleteEntries } from './prune.ts';
import { type KustomizationDeps, type Run, startRun, timeoutOf } from './run.ts';
import { noteInventory } from './status.ts';

/** Between two looks at objects that are on their way out, in milliseconds. */
const pollMs = 1000;
/** Limit for a Kustomization whose durations cannot be read, in milliseconds. */
const defaultTimeoutMs = 30_000;

function mustDelete(object: Kustomization): boolean {
  const { suspend, deletionPolicy = 'MirrorPrune', prune } = object.spec;
  if (suspend || !object.status?.inventory?.entries.length) return false;
  if (deletionPolicy === 'MirrorPrune') return prune;
  return deletionPolicy === 'Delete' || deletionPolicy === 'WaitForTermination';
}

async function isGone(target: Target, entry: InventoryEntry): Promise<boolean> {
  const { group, kind, namespace, name } = parseObjectId(entry.id);
  try {
    const resource = await target.client.mapper.resourceFor({ group, version: entry.v, kind });
    const key = resource.namespaced ? { namespace, name } : { name };
    const object = await target.client.get<KubeObject>(resource, key, { metadataOnly: true });
    return object.metadata.deletionTimestamp === undefined;
  } catch (error) {
    if (isNotFound(error) || error instanceof NoKindMatchError) return true;
    throw error;
  }
}

/** Returns the outcome of waiting for deleted objects to be gone; an object not marked for deletion was kept on purpose. */
async function awaitTermination(
  run: Run,
  target: Target,
  entries: InventoryEntry[],
): Promise<Outcome> {
  const { ctx, state } = run;
  const now = ctx.clock.now();
  state.terminationDeadlineAt ??= now + run.timeoutMs;
  const deadlineAt = state.terminationDeadlineAt;
  const left: InventoryEntry[] = [];
  for (const entry of entries) if (!(await isGone(target, entry))) left.push(entry);
  if (left.length === 0) return done();
  if (now < deadlineAt) return waiting(Math.min(deadlineAt, now + pollMs));
  const names = left.map((entry) => displayName(parseObjectId(entry.id)));
  await sayWarning(
    run,
    'PruneFailed',
    `failed to wait for resources termination: ${joinLines(names)}`,
  );
  return done();
}

/**
 * Deletes what is managed, as spec.deletionPolicy says, before the Kustomization goes. When the identity to act as is
 * gone, or objects do not terminate within spec.timeout, that is announced and the Kustomization goes all the same.
 *
 * @throws RetryableError PruneFailed while objects cannot be deleted; they stay in the inventory
 */
async function deleteManaged(run: Run, entries: InventoryEntry[]): Promise<Outcome> {
  const missing = await run.deps.clusters.missingIdentity(run.object);
  if (missing !== undefined) {
    const names = entries.map((entry) => displayName(parseObjectId(entry.id)));
    await sayWarning(
      run,
      'PruneFailed',
      `unable to prune objects, because ${missing}:\n${joinLines(names)}`,
    );
    return done();
  }
  const target = await run.deps.clusters.targetOf(run.object, run.signal);
  target.cluster.applied.forget(run.ctx.key);
  const { problems, remaining } = await deleteEntries(run, target, entries);
  if (problems.length > 0) {
    noteInventory(run, remaining);
    throw new RetryableError('PruneFailed', run.masker.mask(joinLines(problems)));
  }
  if (run.object.spec.deletionPolicy !== 'WaitForTermination') return done();
  return awaitTermination(run, target, entries);
}

/** A wrong duration must not keep an object from being deleted. */
function timeoutForDeletion(object: Kustomization, deps: KustomizationDeps): number {
  try {
    return timeoutOf(object, deps.settings);
  } catch {
    return defaultTimeoutMs;
  }
}

/** Finalizes a Kustomization that is being deleted; see {@link deleteManaged}. */
export async function finalizeKustomization(
  ctx: ReconcileContext<Kustomization>,
  deps: KustomizationDeps,
): Promise<Outcome> {
  const { object } = ctx;
  const entries = object.status?.inventory?.entries ?? [];
  const outcome = mustDelete(object)
    ? await deleteManaged(startRun(ctx, deps, timeoutForDeletion(object, deps)), entries)
    : done();
  if (outcome.type === 'done') {
    deps.states.forget(ctx.key);
    deps.clusters.forget(ctx.key);
  }
  return outcome;
}
