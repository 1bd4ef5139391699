import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { dependantsRemainReason } from '@sluice/shared/applier';
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
  if (suspend) return false;
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
  // What was asked to go once, and is waited for, is not asked and announced again.
  if (run.state.terminationDeadlineAt === undefined) await requestDeletion(run, target, entries);
  return mustAwaitTermination(run) ? awaitTermination(run, target, entries) : done();
}

async function requestDeletion(run: Run, target: Target, entries: InventoryEntry[]): Promise<void> {
  const { problems, remaining } = await deleteEntries(run, target, entries);
  if (problems.length === 0) return;
  noteInventory(run, remaining);
  throw new RetryableError('PruneFailed', run.masker.mask(joinLines(problems)));
}

/** Whether objects have to be gone first: as spec.deletionPolicy says, or for what this one depends on and goes next. */
function mustAwaitTermination({ object, deps }: Run): boolean {
  if (object.spec.deletionPolicy === 'WaitForTermination') return true;
  return deps.dependencies.awaitsTermination(object);
}

/** Waits for dependants that are deleted, too; goes on without those that take too long. */
async function awaitDependants(run: Run): Promise<void> {
  const { deps, object, signal } = run;
  const left = await deps.dependencies.checkDependants(object, signal);
  if (left.length === 0) return;
  const message = `deleted before what depends on it, which took too long: ${joinLines(left)}`;
  await sayWarning(run, dependantsRemainReason, message);
}

/** A wrong duration must not keep an object from being deleted. */
function timeoutForDeletion(object: Kustomization, deps: KustomizationDeps): number {
  try {
    return timeoutOf(object, deps.settings);
  } catch {
    return defaultTimeoutMs;
  }
}

async function deleteAll(
  ctx: ReconcileContext<Kustomization>,
  deps: KustomizationDeps,
): Promise<Outcome> {
  const { object } = ctx;
  const run = startRun(ctx, deps, timeoutForDeletion(object, deps));
  await awaitDependants(run);
  const entries = object.status?.inventory?.entries ?? [];
  return entries.length === 0 ? done() : deleteManaged(run, entries);
}

/** Finalizes a Kustomization that is being deleted; see {@link deleteManaged}. */
export async function finalizeKustomization(
  ctx: ReconcileContext<Kustomization>,
  deps: KustomizationDeps,
): Promise<Outcome> {
  const { object } = ctx;
  const outcome = mustDelete(object) ? await deleteAll(ctx, deps) : done();
  if (outcome.type === 'done') {
    deps.states.forget(ctx.key);
    deps.clusters.forget(ctx.key);
  }
  return outcome;
}
