import { clusterKeyOf, type HolderOf } from '@sluice/shared/engine';
import { keyOf } from '@sluice/shared/kube';
import type { Run } from './run.ts';

/**
 * Finds another Kustomization whose inventory holds an object in the same cluster. One in the middle of an apply is about
 * to say anew what it has, and does not count.
 */
export function holderOf({ deps, ctx, object }: Run): HolderOf {
  const cluster = clusterKeyOf(object);
  const others = deps.kustomizations
    .list()
    .filter((other) => !other.metadata.deletionTimestamp && clusterKeyOf(other) === cluster)
    .map(keyOf)
    .filter((key) => key !== ctx.key);
  return (id) => others.find((key) => !isApplying(deps, key) && deps.inventories(key, id));
}

function isApplying({ states }: Run['deps'], key: string): boolean {
  return states.peek(key)?.meanwhile !== undefined;
}

/** Has those that hold the objects, by formatted ids, apply them again, so that the labels name them. */
export function haveThemApplied(run: Run, ids: readonly string[]): void {
  const holder = holderOf(run);
  for (const key of new Set(ids.flatMap((id) => holder(id) ?? []))) {
    const state = run.deps.states.peek(key);
    if (state !== undefined) state.applied = undefined;
    run.deps.revisit(key, 'drift');
  }
}
