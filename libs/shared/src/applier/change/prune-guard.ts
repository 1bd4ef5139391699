import type { KustomizationSpec } from '@sluice/shared/api';

/** How much one change may delete. */
export type PruneGuard = NonNullable<NonNullable<KustomizationSpec['changePolicy']>['pruneGuard']>;

/**
 * Returns why a change deletes too much; undefined when it does not.
 *
 * @param o.deletions objects that it deletes
 * @param o.managed objects that are managed before it
 */
export function whyTooMuch(
  { maxPercent, maxObjects }: PruneGuard,
  { deletions, managed }: { deletions: number; managed: number },
): string | undefined {
  if (deletions === 0) return undefined;
  const would = `it would delete ${deletions} of ${managed} objects`;
  if (maxObjects !== undefined && deletions > maxObjects)
    return `${would}, and spec.changePolicy.pruneGuard.maxObjects is ${maxObjects}`;
  if (maxPercent !== undefined && deletions * 100 > managed * maxPercent)
    return `${would}, and spec.changePolicy.pruneGuard.maxPercent is ${maxPercent}`;
  return undefined;
}

/** Returns the guard that flags ask for; undefined when they allow everything. */
export function defaultGuardOf(flags: {
  'prune-guard-max-percent': number;
  'prune-guard-max-objects': number;
}): PruneGuard | undefined {
  const maxPercent = flags['prune-guard-max-percent'];
  const maxObjects = flags['prune-guard-max-objects'];
  if (maxPercent === 100 && maxObjects === 0) return undefined;
  return { maxPercent, ...(maxObjects > 0 && { maxObjects }) };
}
