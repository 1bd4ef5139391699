import type { Kustomization } from '@sluice/shared/api';
import { type Inventories, idsOf } from '@sluice/shared/engine';
import type { Informer } from '@sluice/shared/kube';
import type { KustomizationStates } from './state.ts';

/** Says what each Kustomization has: by its last apply in this process, else by its status. */
export function createInventories(
  kustomizations: Pick<Informer<Kustomization>, 'get'>,
  states: Pick<KustomizationStates, 'peek'>,
): Inventories {
  return (owner, id) => {
    const entries =
      states.peek(owner)?.applied?.inventory ??
      kustomizations.get(owner)?.status?.inventory?.entries;
    return entries !== undefined && idsOf(entries).has(id);
  };
}
