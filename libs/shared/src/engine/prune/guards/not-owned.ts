import type { ObjectKey } from '@sluice/shared/kube';
import { type ApplierIdentity, isOwnedBy } from '../../owner/applier-identity.ts';
import type { DeletionGuard } from './deletion-guard.ts';

/** Keeps what the labels in the cluster do not name as the owner's: somebody else has taken it, or made it. */
export function notOwnedGuard(identity: ApplierIdentity, owner: ObjectKey): DeletionGuard {
  return {
    name: 'not owned',
    onSight: (live) =>
      isOwnedBy(live, identity, owner) ? undefined : 'its labels do not name this owner',
  };
}
