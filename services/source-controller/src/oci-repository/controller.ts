import { type OCIRepository, ociRepositoryKind } from '@sluice/shared/api';
import { done, type Reconciler } from '@sluice/shared/runtime';
import { controllerName } from '../source/names.ts';
import { ownerOf } from '../source/source.ts';
import type { OciRepositoryDeps } from './deps.ts';
import { reconcileOciRepository } from './reconcile.ts';

/** Makes the reconciler of OCIRepositories. */
export function ociRepositoryReconciler(deps: OciRepositoryDeps): Reconciler<OCIRepository> {
  return {
    kind: ociRepositoryKind,
    controllerName,
    reconcile: (context) => reconcileOciRepository(context, deps),
    finalize: async ({ object }) => {
      await deps.store.remove(object.kind, ownerOf(object));
      return done();
    },
  };
}
