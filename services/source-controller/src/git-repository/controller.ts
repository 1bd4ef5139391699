import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { type Informer, keyOf } from '@sluice/shared/kube';
import { type Controller, DependencyIndex, type Reconciler } from '@sluice/shared/runtime';
import { removeArtifacts } from '../source/finalize.ts';
import { controllerName } from '../source/names.ts';
import type { GitRepositoryDeps } from './deps.ts';
import { reconcileGitRepository } from './reconcile.ts';

/** Makes the reconciler of GitRepositories. */
export function gitRepositoryReconciler(deps: GitRepositoryDeps): Reconciler<GitRepository> {
  return {
    kind: gitRepositoryKind,
    controllerName,
    reconcile: (context) => reconcileGitRepository(context, deps),
    finalize: (context) => removeArtifacts(context, deps),
  };
}

/** Reconciles those that include a GitRepository as soon as it has a new artifact. */
export function watchIncludes(
  informer: Informer<GitRepository>,
  controller: Pick<Controller<GitRepository>, 'enqueue'>,
): () => void {
  const index = new DependencyIndex();
  return informer.onEvent(({ type, object, previous }) => {
    const key = keyOf(object);
    if (type === 'deleted') {
      index.delete(key);
      return;
    }
    const { namespace } = object.metadata;
    const included = object.spec.include ?? [];
    index.set(
      key,
      included.map(({ repository }) => `${namespace}/${repository.name}`),
    );
    const digest = object.status?.artifact?.digest;
    if (digest === undefined || digest === previous?.status?.artifact?.digest) return;
    for (const dependant of index.dependantsOf(key)) {
      controller.enqueue(dependant, { priority: 'change' });
    }
  });
}
