import { errorMessage } from '@sluice/shared/base';
import type { AppliedChange } from '@sluice/shared/engine';
import { gvkOf } from '@sluice/shared/kube';
import type { Release } from '../release/release.ts';
import { applyError, applyRelease, keepApplied } from './apply-release.ts';
import type { ActionContext } from './context.ts';
import { deleteReleaseObjects, keptLines } from './delete-objects.ts';
import { type ReleaseObject, withoutObjects } from './objects.ts';

/** One revision over another. */
export interface RevisionRequest {
  release: Release;
  objects: readonly ReleaseObject[];
  /** What the release may have in the cluster so far. */
  former: readonly ReleaseObject[];
  /** Replaces objects instead of merging into them; only on the client side. */
  force: boolean;
  /** Does not send again what is as it was sent. */
  sparesSettled?: boolean;
}

/**
 * Applies the objects of a revision over those of another, then deletes what only the other has. Nothing is deleted when
 * something could not be applied.
 *
 * @param created gets the objects that were created, also when it fails
 * @throws ActionError naming each object that was refused, and why
 */
export async function applyRevision(
  ctx: ActionContext,
  request: RevisionRequest,
  created: AppliedChange[],
): Promise<AppliedChange[]> {
  const { release, objects, former } = request;
  const { changes, failures } = await applyRelease(ctx, {
    ...request,
    stopsAtFailedCreation: true,
  });
  created.push(...changes.filter(({ action }) => action === 'created'));
  if (failures.length > 0) throw applyError(failures);
  // What is deleted on purpose is no drift.
  keepApplied(ctx, objects);
  const stale = withoutObjects(former, objects);
  const report = await deleteReleaseObjects(ctx, stale, { propagation: 'background', release });
  if (report.kept.length > 0)
    ctx.logger.info({ kept: keptLines(report.kept) }, 'Objects that left the release stay');
  ctx.onLeft?.({
    terminating: report.deleted.filter(({ stays }) => stays).map(({ object }) => object),
    kept: report.kept.map(({ object }) => object),
  });
  if (report.failures.length > 0) throw applyError(report.failures.map(({ error }) => error));
  return changes;
}

/**
 * Deletes what a failed action has created; that is requested, not awaited.
 *
 * @returns what kept it from that, for the message of the failure
 */
export async function cleanUpCreated(
  ctx: ActionContext,
  release: Release,
  created: readonly AppliedChange[],
): Promise<string> {
  try {
    const objects = await Promise.all(
      created.map(async ({ object }) => ({
        object,
        resource: await ctx.client.mapper.resourceFor(gvkOf(object)),
      })),
    );
    const { failures } = await deleteReleaseObjects(ctx, objects, {
      propagation: 'background',
      release,
    });
    if (failures.length === 0) return '';
    throw applyError(failures.map(({ error }) => error));
  } catch (error) {
    ctx.signal.throwIfAborted();
    return `\nan error occurred while cleaning up resources: ${errorMessage(error)}`;
  }
}
