import type { KubeObject } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import { isAnswer } from '@sluice/shared/engine';
import type { ActionContext } from '../../action/context.ts';
import { deleteReleaseObjects } from '../../action/delete-objects.ts';
import { formerObjects } from '../../action/former-objects.ts';
import { type ReleaseObject, resolveObjects, withoutObjects } from '../../action/objects.ts';
import type { Release } from '../../release/release.ts';
import type { NextRelease } from './next-release.ts';

/** An object that a change deletes. */
export interface PlannedDeletion {
  object: KubeObject;
  /** Why that would be refused, if it would be. */
  refusal: string | undefined;
}

/** Asks for a deletion without carrying it out: what is protected or kept stays, and what is gone is gone. */
async function tryDeletion(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
  release: Release,
): Promise<PlannedDeletion[]> {
  const how = { propagation: 'background', release, dryRun: true } as const;
  const { deleted, failures } = await deleteReleaseObjects(ctx, objects, how);
  const trouble = failures.find(({ error }) => !isAnswer(error));
  if (trouble !== undefined) throw trouble.error;
  return [
    ...deleted.map(({ object }) => ({ object, refusal: undefined })),
    ...failures.map(({ object, error }) => ({ object, refusal: errorMessage(error) })),
  ];
}

/**
 * Returns what an upgrade deletes, because the release does not have it any more.
 *
 * @throws ApiError, ConnectionError, ObjectError when that cannot be found out now
 */
export async function upgradeDeletions(
  ctx: ActionContext,
  { release, current, objects }: NextRelease,
): Promise<PlannedDeletion[]> {
  if (current === undefined) return [];
  const former = await formerObjects(ctx, current, release.version);
  const stale = withoutObjects(
    former,
    objects.map((object) => ({ object })),
  );
  return stale.length === 0 ? [] : tryDeletion(ctx, stale, release);
}

/**
 * Returns what going back to an earlier revision deletes.
 *
 * @param o.last the newest stored revision
 * @throws ApiError, ConnectionError, ObjectError when that cannot be found out now
 */
export async function rollbackDeletions(
  ctx: ActionContext,
  { to, last }: { to: Release; last: Release },
): Promise<PlannedDeletion[]> {
  const former = await formerObjects(ctx, last, last.version + 1);
  const stale = withoutObjects(former, await resolveObjects(ctx.client, to));
  return stale.length === 0 ? [] : tryDeletion(ctx, stale, to);
}

/**
 * Returns what uninstalling a release deletes.
 *
 * @param release its newest stored revision
 * @throws ApiError, ConnectionError, ObjectError when that cannot be found out now
 */
export async function uninstallDeletions(
  ctx: ActionContext,
  release: Release,
): Promise<PlannedDeletion[]> {
  if (release.info.status === 'uninstalled') return [];
  const objects = withoutObjects(await formerObjects(ctx, release, release.version + 1), []);
  return tryDeletion(ctx, objects, release);
}
