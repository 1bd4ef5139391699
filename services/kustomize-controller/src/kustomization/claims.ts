import { clusterKeyOf, type InventoryEntry } from '@sluice/shared/engine';
import type { Run } from './run.ts';

/** Returns the key of another Kustomization that has applied an object to the same cluster, in its last build. */
function claimantOf(run: Run, id: string): string | undefined {
  const { deps, ctx, object } = run;
  return deps.states.whoApplied(id).find((key) => {
    const other = key === ctx.key ? undefined : deps.kustomizations.get(key);
    if (other === undefined || other.metadata.deletionTimestamp) return false;
    return clusterKeyOf(other) === clusterKeyOf(object);
  });
}

/**
 * Leaves out the entries that another Kustomization has applied as well, and has it apply them again: where two applied
 * an object at the same time, as while it moves from one to the other, the labels may name the one that gives it up.
 * After a restart, and for objects of another shard, the labels alone decide.
 */
export function withoutClaimed(run: Run, entries: InventoryEntry[]): InventoryEntry[] {
  return entries.filter(({ id }) => {
    const key = claimantOf(run, id);
    if (key === undefined) return true;
    const state = run.deps.states.peek(key);
    if (state !== undefined) state.applied = undefined;
    run.deps.revisit(key);
    return false;
  });
}
