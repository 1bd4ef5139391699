import { joinLines, RetryableError } from '@sluice/shared/base';
import {
  displayName,
  formatObjectId,
  type InventoryEntry,
  mergeInventories,
  pruneObjects,
  type Target,
} from '@sluice/shared/engine';
import type { ApplyReport } from './apply.ts';
import { withoutClaimed } from './claims.ts';
import { sayProgress } from './events.ts';
import type { Run } from './run.ts';
import { noteHistory, noteInventory } from './status.ts';

/** What {@link deleteEntries} did. */
export interface Deletion {
  deleted: string[];
  /** What could not be deleted and has to be tried again. */
  remaining: InventoryEntry[];
  /** Why, one line each. */
  problems: string[];
}

/** Deletes the objects of inventory entries that are still ours, and announces it. */
export async function deleteEntries(
  run: Run,
  target: Target,
  entries: InventoryEntry[],
): Promise<Deletion> {
  const result = await pruneObjects(withoutClaimed(run, entries), {
    client: target.client,
    identity: run.deps.settings.identity,
    owner: run.object.metadata,
    concurrency: run.deps.settings.concurrentApplies,
    signal: run.signal,
  });
  const deleted = result.deleted.map((id) => `${displayName(id)} deleted`);
  if (deleted.length > 0) {
    run.ctx.logger.info({ deleted }, 'garbage collection completed');
    await sayProgress(run, joinLines(deleted));
  }
  const failed = new Set(result.failures.map(({ id }) => formatObjectId(id)));
  return {
    deleted: result.deleted.map(formatObjectId),
    remaining: entries.filter((entry) => failed.has(entry.id)),
    problems: result.failures.map(({ error }) => error.message),
  };
}

/**
 * Deletes what was applied before and is no longer part of the build, if spec.prune says so. What could not be deleted
 * stays in the inventory.
 *
 * @throws RetryableError PruneFailed that names each object that could not be deleted
 */
export async function pruneStale(
  run: Run,
  target: Target,
  o: { report: ApplyReport; digest: string },
): Promise<void> {
  const { report, digest } = o;
  if (!run.object.spec.prune || report.stale.length === 0) return;
  const { remaining, problems } = await deleteEntries(run, target, report.stale);
  if (problems.length === 0) return;
  noteInventory(run, mergeInventories(report.inventory, remaining));
  noteHistory(run, digest, 'PruneFailed');
  throw new RetryableError('PruneFailed', joinLines(problems));
}
