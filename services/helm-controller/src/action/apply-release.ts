import { helmGroup, type KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import {
  type AppliedChange,
  type ApplyContext,
  applyClientSide,
  applyContext,
  applyObject,
  type ManagerMatch,
  ObjectError,
  objectIdOf,
} from '@sluice/shared/kube';
import type { Release } from '../release/release.ts';
import { type ActionContext, ActionError, ownerKey } from './context.ts';
import { idOf, type ReleaseObject, withOwnership } from './objects.ts';

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
      ctx.onApplied?.(report.changes);
    }
    return report;
  });
}

function remember(ctx: ActionContext, { release }: ApplyRequest, { changes }: ApplyReport): void {
  const { applied } = ctx.cluster;
  const owner = ownerKey(ctx);
  if (release.apply_method === 'ssa') {
    const objects = changes.map(({ object }) => object);
    applied.record(owner, objects, { ignore: ctx.driftIgnore });
    return;
  }
  // The fields that are recorded as ours may be left from a server-side apply, and are not all that this one wrote.
  const ids = changes.map(({ id }) => id);
  applied.forget(owner, ids);
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
  const shared = { context: sharedContext(ctx), former };
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

/**
 * Fields that clients of Helm own are taken over, so that those which a revision no longer has go away, whoever made
 * the revision before.
 */
function overriddenManagers({ fieldManager, overrideManagers }: ActionContext): ManagerMatch[] {
  return [
    { prefix: 'helm', operation: 'Apply', exact: true },
    { prefix: 'helm', operation: 'Update', exact: true },
    { prefix: fieldManager, operation: 'Update', exact: true },
    ...overrideManagers.flatMap((prefix): ManagerMatch[] => [
      { prefix, operation: 'Apply' },
      { prefix, operation: 'Update' },
    ]),
  ];
}

function sharedContext(ctx: ActionContext): ApplyContext {
  const { client, fieldManager, concurrency, signal, cluster } = ctx;
  const annotationPrefix = helmGroup;
  const { live } = cluster;
  return {
    ...applyContext({ client, fieldManager, concurrency, signal, annotationPrefix, live }),
    overridden: overriddenManagers(ctx),
  };
}

async function applyOne(
  ctx: ActionContext,
  item: ReleaseObject,
  request: ApplyRequest,
  shared: Shared,
): Promise<AppliedChange> {
  const { release } = request;
  const object = withOwnership(item.object, release, ctx.owner);
  for (let attempt = 1; ; attempt++) {
    try {
      if (release.apply_method === 'ssa') return await applyObject(object, shared.context);
      return await applyOnClient(ctx, { ...item, object }, request, shared);
    } catch (error) {
      if (attempt >= maxQuotaAttempts || !isQuotaConflict(error)) throw error;
    }
  }
}

async function applyOnClient(
  { client, fieldManager, signal }: ActionContext,
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
    fieldManager,
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
