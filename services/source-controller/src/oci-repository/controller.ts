import { type OCIRepository, ociRepositoryKind } from '@sluice/shared/api';
import type { Reconciler } from '@sluice/shared/runtime';
import { removeArtifacts } from '../source/finalize.ts';
import { controllerName } from '../source/names.ts';
import type { OciRepositoryDeps } from './deps.ts';
import { reconcileOciRepository } from './reconcile.ts';

/** Makes the reconciler of OCIRepositories. */
export function ociRepositoryReconciler(deps: OciRepositoryDeps): Reconciler<OCIRepository> {
  return {
    kind: ociRepositoryKind,
    controllerName,
    reconcile: (context) => reconcileOciRepository(context, deps),
    finalize: (context) => removeArtifacts(context, deps),
  };
}
