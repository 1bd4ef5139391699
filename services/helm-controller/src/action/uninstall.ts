import type { HookEvent, Release } from '../release/release.ts';
import { ReleaseGoneError } from '../release/storage.ts';
import {
  type ActionContext,
  ActionError,
  ownerKey,
  timestamp,
  type WaitOptions,
} from './context.ts';
import {
  type DeletedReleaseObject,
  deleteReleaseObjects,
  keptLines,
  type Propagation,
} from './delete-objects.ts';
import { formerObjects } from './former-objects.ts';
import { supersedeDeployed } from './history.ts';
import { runHooks } from './hooks.ts';
import { withoutObjects } from './objects.ts';
import { ReleaseRecord } from './record.ts';
import { waitUntilDeleted } from './wait-deleted.ts';

/** How to uninstall. */
export interface UninstallOptions extends Pick<WaitOptions, 'disableWait'> {
  /** Limit of each single wait, in milliseconds. */
  timeoutMs: number;
  disableHooks: boolean;
  /** Keeps the records, the newest one as uninstalled. */
  keepHistory: boolean;
  propagation: Propagation;
}

/** What to uninstall. */
export interface UninstallRequest {
  /** The newest stored revision. */
  release: Release;
  options: UninstallOptions;
}

/**
 * Uninstalls a release: hooks, deletion of its objects, waiting until they are gone, hooks, and the result in the
 * record, or no record at all. What failed or interrupted revisions have left is deleted as well. A release that is
 * uninstalled already only loses its records, if they are not to be kept.
 *
 * @returns the release, uninstalled
 * @throws ActionError when a hook fails or something cannot be deleted; the record says `uninstalling` then, and
 * uninstalling can be tried again. When only the wait or a hook after the deletion has failed, the release counts as
 * uninstalled, as with Helm
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/uninstall.go
 */
export async function uninstall(
  ctx: ActionContext,
  { release, options }: UninstallRequest,
): Promise<Release> {
  if (release.info.status === 'uninstalled') {
    if (!options.keepHistory) await purge(ctx, release);
    return release;
  }
  const before = { ...release, info: { ...release.info } };
  release.info.status = 'uninstalling';
  release.info.deleted = timestamp(ctx);
  release.info.description = 'Deletion in progress (or silently failed)';
  const record = new ReleaseRecord(ctx, release);
  // What is deleted on purpose is no drift.
  ctx.cluster.applied.forget(ownerKey(ctx));
  let deleted: DeletedReleaseObject[];
  try {
    await runHooksAt(ctx, record, 'pre-delete', options);
    await saveIfThere(ctx, record);
    deleted = await deleteAll(ctx, before, options);
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!(error instanceof ActionError)) throw error;
    throw new ActionError(ctx.masker.mask(error.message), release);
  }
  return finish(ctx, record, deleted, options);
}

async function runHooksAt(
  ctx: ActionContext,
  record: ReleaseRecord,
  event: HookEvent,
  { disableHooks, timeoutMs }: UninstallOptions,
): Promise<void> {
  if (!disableHooks) await runHooks(ctx, record, { event, timeoutMs, applyMethod: 'ssa' });
}

async function deleteAll(
  ctx: ActionContext,
  release: Release,
  { propagation }: UninstallOptions,
): Promise<DeletedReleaseObject[]> {
  const former = await formerObjects(ctx, release, release.version + 1);
  const objects = withoutObjects(former, []);
  const { deleted, kept, failures } = await deleteReleaseObjects(ctx, objects, {
    propagation,
    release,
  });
  if (kept.length > 0)
    ctx.logger.info({ kept: keptLines(kept) }, 'Objects of the uninstalled release stay');
  if (failures.length > 0) {
    const problems = failures.map(({ error }) => error.message).join('\n');
    throw new ActionError(`failed to delete release: ${release.name}: ${problems}`);
  }
  return deleted;
}

/** Everything is deleted: what fails from here on keeps nothing from being settled. */
async function finish(
  ctx: ActionContext,
  record: ReleaseRecord,
  deleted: readonly DeletedReleaseObject[],
  options: UninstallOptions,
): Promise<Release> {
  const { release } = record;
  const problems: string[] = [];
  const attempt = async (step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!(error instanceof ActionError)) throw error;
      problems.push(ctx.masker.mask(error.message));
    }
  };
  if (!options.disableWait) await attempt(() => waitUntilDeleted(ctx, deleted, options.timeoutMs));
  await attempt(() => runHooksAt(ctx, record, 'post-delete', options));
  release.info.status = 'uninstalled';
  release.info.description = 'Uninstallation complete';
  if (options.keepHistory) {
    await saveIfThere(ctx, record);
    await supersedeDeployed(ctx, release);
  } else {
    await purge(ctx, release);
  }
  if (problems.length === 0) return release;
  throw new ActionError(
    `uninstallation completed with ${problems.length} error(s): ${problems.join('; ')}`,
    release,
  );
}

/** Somebody may have deleted the record; its objects have to go all the same. */
async function saveIfThere(ctx: ActionContext, record: ReleaseRecord): Promise<void> {
  try {
    await record.save();
  } catch (error) {
    if (!(error instanceof ReleaseGoneError)) throw error;
    ctx.logger.warn({ release: record.release.name }, 'The record of the release is gone');
  }
}

/** Deletes all records, the newest last: as long as it is there, the others are found again. */
async function purge(ctx: ActionContext, { name }: Release): Promise<void> {
  for (const { version } of (await ctx.storage.revisions(name)).reverse())
    await ctx.storage.delete(name, version);
}
