import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import {
  type AppliedChange,
  type ApplyContext,
  type ApplyOptions,
  applyClientSide,
  applyContext,
  applyObject,
  isNamespace,
  mayHaveHappened,
  ObjectError,
  objectIdOf,
  operationalRules,
  recordApplied,
} from '@sluice/shared/engine';
import type { Release } from '../release/release.ts';
import { applyOptionsOf } from './apply-claimed.ts';
import { type ActionContext, ActionError, ownerKey } from './context.ts';
import { idOf, type ReleaseObject, withOwnership } from './objects.ts';
import { findMetadata } from './ownership.ts';

/** Attempts to create an object while others create some under the same ResourceQuota. */
const maxQuotaAttempts = 5;

/** What is applied, over what. */
export interface ApplyRequest {
  release: Pick<Release, 'name' | 'namespace' | 'apply_method'>;
  /** In the order in which Helm installs their kinds. */
  objects: readonly ReleaseObject[];
  /** Objects of the revision that is applied over. */
  former: readonly ReleaseObject[];
  /** Replaces objects instead of merging into them; only on the client side. */
  force?: boolean;
  /** Brings back what others changed in objects that are taken over; only on the client side. */
  takesOver?: boolean;
  /**
   * Does not send objects again which the watches show as our last apply of the same has left them; only where the API
   * server merges.
   */
  sparesSettled?: boolean;
  /** Leaves later kinds alone when an object cannot be created that the former revision does not have, as Helm does. */
  stopsAtFailedCreation?: boolean;
}

/** What an apply has come to. */
export interface ApplyReport {
  changes: AppliedChange[];
  failures: Error[];
}

/**
 * Applies the objects of a release: kinds one after another in their order, the objects of a kind at once. What is
 * refused does not keep the rest from being applied. Objects are watched for drift from here on.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function applyRelease(
  ctx: ActionContext,
  request: ApplyRequest,
): Promise<ApplyReport> {
  return ctx.slots.run(async () => {
    const report: ApplyReport = { changes: [], failures: [] };
    try {
      await applyKinds(ctx, request, report);
    } finally {
      remember(ctx, request, report);
      ctx.logger.info({ release: request.release.name, ...countsOf(report) }, 'Release applied');
      const [first] = report.failures;
      if (first !== undefined) ctx.onFailed?.(first.message);
      ctx.onApplied?.(report.changes);
    }
    return report;
  });
}

function remember(ctx: ActionContext, { release }: ApplyRequest, { changes }: ApplyReport): void {
  const owner = ownerKey(ctx);
  if (release.apply_method === 'ssa') {
    recordApplied(ctx, owner, { changes, ignore: ctx.driftIgnore });
    return;
  }
  // The fields that are recorded as ours may be left from a server-side apply, and are not all that this one wrote.
  const ids = changes.map(({ id }) => id);
  ctx.cluster.applied.forget(owner, ids);
}

function countsOf({ changes, failures }: ApplyReport): Record<string, number> {
  const counts: Record<string, number> = { failed: failures.length };
  for (const { action } of changes) counts[action] = (counts[action] ?? 0) + 1;
  return counts;
}

/**
 * Returns what failed as one error.
 *
 * @param failures at least one
 */
export function applyError(failures: readonly Error[]): ActionError {
  return new ActionError(failures.map(({ message }) => message).join('\n'));
}

/** Forgets the state of objects that are no longer part of the release. */
export function keepApplied(ctx: ActionContext, objects: readonly ReleaseObject[]): void {
  const ids = objects.map(({ object }) => objectIdOf(object));
  ctx.cluster.applied.keepOnly(ownerKey(ctx), ids);
}

/** What the objects of one apply share. */
interface Shared {
  context: ApplyContext;
  /** Objects of the revision that is applied over, by id. */
  former: ReadonlyMap<string, KubeObject>;
}

async function applyKinds(
  ctx: ActionContext,
  request: ApplyRequest,
  report: ApplyReport,
): Promise<void> {
  const { objects, stopsAtFailedCreation } = request;
  // Of revisions with the same object, the first is the present one.
  const former = new Map(request.former.toReversed().map((item) => [idOf(item), item.object]));
  const options = { ...applyOptionsOf(ctx), ...(request.sparesSettled && settledIn(ctx)) };
  const shared = { context: applyContext(options), former };
  for (const batch of batchesOf(objects)) {
    let stop = false;
    await mapConcurrently(batch, ctx.concurrency, async (item) => {
      ctx.signal.throwIfAborted();
      try {
        report.changes.push(await applyOne(ctx, item, request, shared));
      } catch (error) {
        ctx.signal.throwIfAborted();
        report.failures.push(error as Error);
        stop ||= !former.has(idOf(item));
      }
    });
    if (stop && stopsAtFailedCreation) return;
  }
}

/** What is exempt from the record of what was applied is brought back by sending it only. */
function settledIn(ctx: ActionContext): Pick<ApplyOptions, 'isSettled'> {
  if (ctx.driftIgnore.length > 0) return {};
  const { applied } = ctx.cluster;
  return {
    isSettled: (sent, live) =>
      operationalRules(sent).length === 0 && applied.isSettled(ownerKey(ctx), sent, live),
  };
}

/** Splits objects wherever the kind changes. */
export function batchesOf<T extends ReleaseObject>(objects: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (const item of objects) {
    const last = batches.at(-1);
    if (last?.[0]?.object.kind === item.object.kind) last.push(item);
    else batches.push([item]);
  }
  return batches;
}

async function applyOne(
  ctx: ActionContext,
  item: ReleaseObject,
  request: ApplyRequest,
  shared: Shared,
): Promise<AppliedChange> {
  const { release } = request;
  const object = withOwnership(item.object, release, ctx.owner);
  await noteAdopted(ctx, item, shared);
  const withdraw = ctx.held.claim(objectIdOf(object));
  try {
    const change = await applyWithRetries(ctx, { ...item, object }, request, shared);
    if (change.action === 'skipped') withdraw();
    return change;
  } catch (error) {
    if (!mayHaveHappened(error as Error)) withdraw();
    throw error;
  }
}

/** Notes a Namespace that is there before the release first applies it: its deletion is not ours to make. */
async function noteAdopted(
  ctx: ActionContext,
  item: ReleaseObject,
  { former }: Shared,
): Promise<void> {
  const id = idOf(item);
  if (!isNamespace(objectIdOf(item.object)) || former.has(id) || ctx.held.has(id)) return;
  // What may not be looked at was made by somebody else, if it is there.
  const isThere = await findMetadata(ctx, item).catch(() => true);
  ctx.signal.throwIfAborted();
  if (isThere !== undefined) ctx.onAdopted?.(id);
}

async function applyWithRetries(
  ctx: ActionContext,
  item: ReleaseObject,
  request: ApplyRequest,
  shared: Shared,
): Promise<AppliedChange> {
  for (let attempt = 1; ; attempt++) {
    try {
      const isServerSide = request.release.apply_method === 'ssa';
      if (isServerSide) return await applyObject(item.object, shared.context);
      return await applyOnClient(ctx, item, request, shared);
    } catch (error) {
      if (attempt >= maxQuotaAttempts || !isQuotaConflict(error)) throw error;
    }
  }
}

async function applyOnClient(
  { client, identity, signal }: ActionContext,
  { object, resource }: ReleaseObject,
  { force, takesOver }: ApplyRequest,
  { context, former }: Shared,
): Promise<AppliedChange> {
  // Lets the live state of its kind be known.
  await context.resourceOf(object);
  return applyClientSide({
    client,
    resource,
    original: former.get(idOf({ object })),
    target: object,
    identity,
    force,
    correctsCustomResources: takesOver,
    signal,
  });
}

/** The admission of ResourceQuotas gives up when several objects are counted at the same time. */
function isQuotaConflict(error: unknown): boolean {
  return (
    error instanceof ObjectError &&
    error.status === 409 &&
    error.message.includes('Operation cannot be fulfilled on resourcequotas')
  );
}
