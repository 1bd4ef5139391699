import { type Bucket, bucketKind } from '@sluice/shared/api';
import type { Reconciler } from '@sluice/shared/runtime';
import { removeArtifacts } from '../source/finalize.ts';
import { controllerName } from '../source/names.ts';
import type { BucketDeps } from './deps.ts';
import { reconcileBucket } from './reconcile.ts';

/** Makes the reconciler of Buckets. */
export function bucketReconciler(deps: BucketDeps): Reconciler<Bucket> {
  return {
    kind: bucketKind,
    controllerName,
    reconcile: (context) => reconcileBucket(context, deps),
    finalize: (context) => removeArtifacts(context, deps),
  };
}
