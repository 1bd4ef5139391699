import { type HelmRepository, helmRepositoryKind } from '@sluice/shared/api';
import { parseDuration } from '@sluice/shared/base';
import type { Reconciler } from '@sluice/shared/runtime';
import { removeArtifacts } from '../source/finalize.ts';
import { controllerName } from '../source/names.ts';
import type { HelmRepositoryDeps } from './deps.ts';
import { reconcileHelmRepository } from './reconcile.ts';

const defaultIntervalMs = 60_000;

/** Makes the reconciler of HelmRepositories. */
export function helmRepositoryReconciler(deps: HelmRepositoryDeps): Reconciler<HelmRepository> {
  return {
    kind: helmRepositoryKind,
    controllerName,
    isHeld: ({ spec }) => spec.type !== 'oci',
    intervalMs: ({ spec: { interval } }) =>
      interval === undefined ? defaultIntervalMs : parseDuration(interval),
    reconcile: (context) => reconcileHelmRepository(context, deps),
    finalize: (context) => removeArtifacts(context, deps),
  };
}
