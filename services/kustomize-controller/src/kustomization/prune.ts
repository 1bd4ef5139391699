import { auditedObject } from '@sluice/shared/applier';
import { joinLines, RetryableError } from '@sluice/shared/base';
import {
  displayName,
  formatObjectId,
  heldByAnotherName,
  type InventoryEntry,
  mergeInventories,
  type ObjectId,
  type PruneOptions,
  type PruneResult,
  pruneObjects,
  type Target,
} from '@sluice/shared/engine';
import { readyCondition } from '@sluice/shared/runtime';
import type { ApplyReport } from './apply.ts';
import { auditedPrune } from './audit.ts';
import { haveThemApplied, holderOf } from './claims.ts';
import { sayProgress, sayWarning } from './events.ts';
import { protectionFor } from './protection.ts';
import type { Run } from './run.ts';
import { keptSuffix, noteHistory, noteInventory } from './status.ts';

/** What {@link deleteEntries} did. */
export interface Deletion {
  deleted: string[];
  /** What could not be deleted and has to be tried again. */
  remaining: InventoryEntry[];
  /** Why, one line each. */
  problems: string[];
  /** What is protected from deletion. */
  kept: InventoryEntry[];
  /** Why, one line each. */
  keptWhy: string[];
}

/** Says of each object whether it is gone, or only on its way out. */
function prunedLines({ deleted, terminating }: PruneResult): string[] {
  const held = new Set(terminating);
  return deleted.map(
    (id) => `${displayName(id)} ${held.has(id) ? 'deletion requested' : 'deleted'}`,
  );
}

/** Returns how entries of the inventory are deleted. */
export function pruneOptionsOf(run: Run, target: Target, entries: InventoryEntry[]): PruneOptions {
  return {
    client: target.client,
    identity: run.deps.settings.identity,
    owner: run.object.metadata,
    protection: protectionFor(run, entries),
    holderOf: holderOf(run),
    concurrency: run.deps.settings.concurrentApplies,
    signal: run.signal,
  };
}

/** Deletes the objects of inventory entries that are still ours, and announces it. */
export async function deleteEntries(
  run: Run,
  target: Target,
  entries: InventoryEntry[],
): Promise<Deletion> {
  const audited = auditedPrune(run, entries);
  const result = await pruneObjects(entries, {
    ...pruneOptionsOf(run, target, entries),
    beforeDelete: audited.begins,
  });
  await audited.ended(result.failures.length === 0 ? 'succeeded' : 'failed', () => ({
    objects: result.deleted.map((id) => auditedObject(id, 'deleted')),
  }));
  const held = result.skipped.filter(({ why }) => why === heldByAnotherName);
  haveThemApplied(
    run,
    held.map(({ id }) => formatObjectId(id)),
  );
  const lines = prunedLines(result);
  if (lines.length > 0) {
    run.ctx.logger.info({ deleted: lines }, 'garbage collection completed');
    await sayProgress(run, joinLines(lines));
  }
  const keptWhy = result.kept.map(({ why }) => why);
  if (keptWhy.length > 0 && !isSaid(run, keptWhy))
    await sayWarning(run, 'PruneRefused', joinLines(keptWhy));
  const entriesOf = (found: { id: ObjectId }[]) => {
    const ids = new Set(found.map(({ id }) => formatObjectId(id)));
    return entries.filter((entry) => ids.has(entry.id));
  };
  return {
    deleted: result.deleted.map(formatObjectId),
    remaining: entriesOf(result.failures),
    problems: result.failures.map(({ error }) => error.message),
    kept: entriesOf(result.kept),
    keptWhy,
  };
}

/** Whether the condition tells of what is kept already, as after a restart. */
function isSaid(run: Run, kept: string[]): boolean {
  const ready = run.object.status?.conditions?.find(({ type }) => type === readyCondition);
  return ready?.message.includes(keptSuffix(kept)) ?? false;
}

/**
 * Deletes what was applied before and is no longer part of the build, if spec.prune says so. What could not be deleted
 * stays in the inventory, and so does what is protected.
 *
 * @returns what is managed then, and why something was kept
 * @throws RetryableError PruneFailed that names each object that could not be deleted
 */
export async function pruneStale(
  run: Run,
  target: Target,
  o: { report: ApplyReport; digest: string },
): Promise<{ inventory: InventoryEntry[]; kept: string[] }> {
  const { report, digest } = o;
  if (!run.object.spec.prune || report.stale.length === 0)
    return { inventory: report.inventory, kept: [] };
  const { remaining, problems, kept, keptWhy } = await deleteEntries(run, target, report.stale);
  const inventory = mergeInventories(report.inventory, [...remaining, ...kept]);
  noteInventory(run, inventory);
  if (problems.length === 0) return { inventory, kept: keptWhy };
  noteHistory(run, digest, 'PruneFailed');
  throw new RetryableError('PruneFailed', joinLines(problems));
}
