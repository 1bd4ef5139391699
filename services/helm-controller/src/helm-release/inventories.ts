import type { HelmRelease } from '@sluice/shared/api';
import { type Inventories, idsOf } from '@sluice/shared/engine';
import type { Informer } from '@sluice/shared/kube';
import type { HelmReleaseStates } from './state.ts';

/** Says what each HelmRelease has: what its status lists, and what its action under way has applied. */
export function createInventories(
  helmReleases: Pick<Informer<HelmRelease>, 'get'>,
  states: Pick<HelmReleaseStates, 'peek'>,
): Inventories {
  return (owner, id) => {
    if (states.peek(owner)?.held.has(id)) return true;
    const entries = helmReleases.get(owner)?.status?.inventory?.entries;
    return entries !== undefined && idsOf(entries).has(id);
  };
}
