import type { DeletionGuard } from '@sluice/shared/engine';
import { isKept } from '../../release/manifest.ts';

/** Keeps what has Helm's policy `keep`, in its manifest or in the cluster. */
export const resourcePolicyGuard: DeletionGuard = {
  name: 'resource policy',
  onSight: (live, { object }) =>
    isKept(object) || isKept(live) ? 'its annotation helm.sh/resource-policy is keep' : undefined,
};
