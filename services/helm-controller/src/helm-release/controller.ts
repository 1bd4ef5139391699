import { type HelmRelease, helmReleaseKind } from '@sluice/shared/api';
import { type ConfigWatch, noteConfigChange, watchConfigs } from '@sluice/shared/applier';
import { parseDuration } from '@sluice/shared/base';
import { type Cluster, type LiveChange, noteDrift, objectIdOf } from '@sluice/shared/engine';
import { type Informer, keyOf } from '@sluice/shared/kube';
import {
  artifactTraceparent,
  type Controller,
  type ControllerOptions,
  createController,
  type Priority,
  type Reconciler,
} from '@sluice/shared/runtime';
import { releaseNameOf, storageNamespaceOf } from '../release/name.ts';
import { configReferencesOf, sourceReferencesOf } from '../values/referenced.ts';
import { isExempt } from './action-context.ts';
import { finalizeHelmRelease } from './delete.ts';
import { reconcileHelmRelease } from './reconcile.ts';
import type { RecordChange } from './release-watch.ts';
import { chartReferenceOf, chartSourceIdOf } from './resolve-source.ts';
import type { HelmReleaseDeps } from './run.ts';
import type { HelmReleaseState } from './state.ts';

/** Indexes of the informer of HelmReleases. */
export const helmReleaseIndexes = {
  chart: (object: HelmRelease) => [chartSourceIdOf(object)],
  values: sourceReferencesOf,
  config: configReferencesOf,
  release: (object: HelmRelease) => [`${storageNamespaceOf(object)}/${releaseKeyOf(object)}`],
};

/** An object whose name is refused has no release that could change. */
function releaseKeyOf(object: HelmRelease): string {
  try {
    return releaseNameOf(object);
  } catch {
    return '';
  }
}

/** What the controller of HelmReleases needs. */
export interface HelmReleaseControllerOptions
  extends Omit<ControllerOptions<HelmRelease>, 'reconciler'> {
  deps: HelmReleaseDeps;
  /** Secrets and ConfigMaps whose changes matter at once; undefined when they are not to be watched. */
  configs: ConfigWatch | undefined;
}

type Enqueue = (key: string, priority: Priority) => void;

function reconcilerFor(deps: HelmReleaseDeps): Reconciler<HelmRelease> {
  return {
    kind: helmReleaseKind,
    controllerName: 'helm-controller',
    reconcile: (ctx) => reconcileHelmRelease(ctx, deps),
    finalize: (ctx) => finalizeHelmRelease(ctx, deps),
    cause: (object) => causeOf(object, deps),
  };
}

/** The trace of the action under way, else of a new file of values or a new chart. */
function causeOf(object: HelmRelease, deps: HelmReleaseDeps): string | undefined {
  const state = deps.states.peek(keyOf(object));
  const known = state?.running?.trace ?? state?.configTrace;
  if (known !== undefined) return known;
  const reference = chartReferenceOf(object);
  const { artifact } = deps.sources.peek(reference.kind, reference)?.status ?? {};
  const isTried = artifact?.revision === object.status?.lastAttemptedRevision;
  return isTried ? undefined : artifactTraceparent(artifact);
}

/** Brings back those whose chart is new, or known not to be there, and those whose file with values is new. */
function watchSources(
  informer: Informer<HelmRelease>,
  deps: HelmReleaseDeps,
  enqueue: Enqueue,
): void {
  deps.sources.onArtifact((id, artifact) => {
    const using = artifact === undefined ? [] : informer.byIndex('values', id);
    for (const object of using) {
      noteConfigChange(keyOf(object), deps.states, enqueue);
      const state = deps.states.peek(keyOf(object));
      if (state !== undefined) state.configTrace = artifactTraceparent(artifact);
    }
    for (const object of informer.byIndex('chart', id)) enqueue(keyOf(object), 'change');
  });
}

/** Whether a change of a record was made by somebody else: what we have written is known already. */
function isForeign(change: RecordChange, { known }: HelmReleaseState): boolean {
  if (known === undefined) return false;
  if (change.isDeleted) return change.uid === known.uid;
  return (
    change.version >= known.version &&
    Number(change.resourceVersion) > Number(known.resourceVersion)
  );
}

/** Brings back those whose release was changed by somebody else, such as with the helm command. */
function watchReleases(
  informer: Informer<HelmRelease>,
  deps: HelmReleaseDeps,
  enqueue: Enqueue,
): void {
  deps.releaseWatch.onChange((change) => {
    for (const object of informer.byIndex('release', `${change.namespace}/${change.name}`)) {
      const key = keyOf(object);
      const state = deps.states.peek(key);
      // An action notices by itself, when it writes the record.
      if (state === undefined || state.running !== undefined) continue;
      if (isForeign(change, state)) enqueue(key, 'change');
    }
  });
}

/** An interval that cannot be read stalls its object, and must not disturb others. */
function intervalMsOf(interval: string): number {
  try {
    return parseDuration(interval);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Notes an object that no longer holds what was applied; returns whether that has to be looked at now. */
function noteOwnDrift(
  { owner, change, cluster }: { owner: string; change: LiveChange; cluster: Cluster },
  deps: HelmReleaseDeps,
): boolean {
  const state = deps.states.peek(owner);
  const isRecorded = cluster.applied.ownerOf(objectIdOf(change.object)) === owner;
  if (state === undefined || !isRecorded || isExempt(change.object)) return false;
  const { driftDetection, suspend, interval } = deps.helmReleases.get(owner)?.spec ?? {};
  if ((driftDetection?.mode ?? 'disabled') === 'disabled' || interval === undefined) return false;
  const intervalMs = intervalMsOf(interval);
  const isNews = noteDrift(change, cluster, { state, intervalMs });
  return isNews && !suspend && state.running === undefined;
}

function watchObjects(deps: HelmReleaseDeps, enqueue: Enqueue): void {
  deps.clusters.onChange((owner, change, cluster) => {
    if (noteOwnDrift({ owner, change, cluster }, deps)) enqueue(owner, 'drift');
  });
  deps.clusters.onServed((owner) => enqueue(owner, 'change'));
}

/**
 * Makes the controller of HelmReleases. Besides their own changes, they are reconciled when their chart or a source of
 * values has a new artifact, a dependency they wait for becomes ready, a Secret or ConfigMap they use changes, somebody
 * else changes their release, an object of it drifts, a kind that it lacks is served, or an action on it ends.
 */
export function createHelmReleaseController(
  o: HelmReleaseControllerOptions,
): Controller<HelmRelease> {
  const controller = createController<HelmRelease>({ ...o, reconciler: reconcilerFor(o.deps) });
  const enqueue: Enqueue = (key, priority) => controller.enqueue(key, { priority });
  o.deps.revisit = enqueue;
  o.deps.dependencies.onChange((dependant) => enqueue(dependant, 'change'));
  o.deps.changes.onChange((object) => enqueue(object, 'change'));
  watchSources(o.informer, o.deps, enqueue);
  watchConfigs({ ...o, states: o.deps.states }, enqueue);
  watchReleases(o.informer, o.deps, enqueue);
  watchObjects(o.deps, enqueue);
  return controller;
}
