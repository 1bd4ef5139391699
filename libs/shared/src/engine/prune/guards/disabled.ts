import { isKeptFromPruning } from '../../object/object-policy.ts';
import type { DeletionGuard } from './deletion-guard.ts';

/** Keeps what asks for it in the cluster: by `<prefix>/prune: disabled`, or by being taken out of reconciliation. */
export function disabledGuard(annotationPrefix: string): DeletionGuard {
  return {
    name: 'disabled',
    onSight: (live) =>
      isKeptFromPruning(live, annotationPrefix) ? 'it asks to be kept' : undefined,
  };
}
