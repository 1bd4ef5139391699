import type { Kustomization } from '@sluice/shared/api';
import { type Informer, keyOf } from '@sluice/shared/kube';
import { isSuspended } from '@sluice/shared/runtime';
import { dropDecryption } from './await-decryption.ts';
import type { KustomizationDeps } from './run.ts';

/** Ends what Kustomizations wait for that are suspended or deleted: nothing else would, for nothing is done for them. */
export function endWaitsOfIdle(
  informer: Informer<Kustomization>,
  { states, clusters }: Pick<KustomizationDeps, 'states' | 'clusters'>,
): void {
  informer.onEvent(({ type, object }) => {
    const isIdle = object.metadata.deletionTimestamp !== undefined || isSuspended(object);
    if (type !== 'deleted' && !isIdle) return;
    const key = keyOf(object);
    dropDecryption(states.peek(key));
    clusters.releaseNamed(key);
  });
}
