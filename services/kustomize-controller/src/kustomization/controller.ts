import { type ArtifactNotice, type Kustomization, kustomizationKind } from '@sluice/shared/api';
import { type ConfigWatch, watchConfigs } from '@sluice/shared/applier';
import { errorMessage, type Logger, parseDuration } from '@sluice/shared/base';
import { type Cluster, formatObjectId, type LiveChange, objectIdOf } from '@sluice/shared/engine';
import { type Informer, keyOf } from '@sluice/shared/kube';
import {
  artifactTraceparent,
  type Controller,
  type ControllerOptions,
  createController,
  type Priority,
  type Reconciler,
} from '@sluice/shared/runtime';
import { finalizeKustomization } from './delete.ts';
import { endWaitsOfIdle } from './end-waits.ts';
import { rulesOf } from './look-at-health.ts';
import { noteChange } from './note-change.ts';
import { noteHealthChange } from './note-health.ts';
import { reconcileKustomization } from './reconcile.ts';
import type { KustomizationDeps } from './run.ts';
import { sourceIdOf } from './source-id.ts';
import { revisionOf } from './state.ts';
import { configReferencesOf } from './variables.ts';

/** Indexes of the informer of Kustomizations. */
export const kustomizationIndexes = {
  source: (object: Kustomization) => [sourceIdOf(object)],
  config: configReferencesOf,
};

/** What the controller of Kustomizations needs. */
export interface KustomizationControllerOptions
  extends Omit<ControllerOptions<Kustomization>, 'reconciler'> {
  deps: KustomizationDeps;
  /** Secrets and ConfigMaps whose changes matter at once; undefined when they are not to be watched. */
  configs: ConfigWatch | undefined;
}

function reconcilerFor(deps: KustomizationDeps): Reconciler<Kustomization> {
  return {
    kind: kustomizationKind,
    controllerName: 'kustomize-controller',
    reconcile: (ctx) => reconcileKustomization(ctx, deps),
    finalize: (ctx) => finalizeKustomization(ctx, deps),
    cause: (object) => causeOf(object, deps),
    failureInterval: ({ spec }) =>
      spec.retryInterval === undefined ? undefined : parseDuration(spec.retryInterval),
    // No failure is tried again later than Flux does.
    latestRetry: ({ spec }) => parseDuration(spec.retryInterval ?? spec.interval),
  };
}

/** The trace of the source's artifact, until it was tried and what it holds is healthy. */
function causeOf(object: Kustomization, deps: KustomizationDeps): string | undefined {
  const { kind, name, namespace = object.metadata.namespace } = object.spec.sourceRef;
  const { artifact } = deps.sources.peek(kind, { name, namespace })?.status ?? {};
  const isTried = artifact?.revision === object.status?.lastAttemptedRevision;
  if (isTried && deps.states.peek(keyOf(object))?.phase !== 'health') return undefined;
  return artifactTraceparent(artifact);
}

type Enqueue = (key: string, priority: Priority) => void;

function watchSources(
  informer: Informer<Kustomization>,
  deps: KustomizationDeps,
  enqueue: Enqueue,
): void {
  deps.sources.onArtifact((id, artifact) => {
    for (const object of informer.byIndex('source', id)) {
      const key = keyOf(object);
      // What the watch shows of the object may be older than how far it has come.
      const { phase, applied } = deps.states.peek(key) ?? {};
      const isApplied = applied !== undefined && revisionOf(applied) === artifact?.revision;
      if (phase !== 'ready' || !isApplied) enqueue(key, 'change');
    }
  });
}

/** Notes the effect of a change on a wait for health; returns whether the wait has something new to see. */
function noteOwnHealth(change: LiveChange, deps: KustomizationDeps, owner: string): boolean {
  const state = deps.states.peek(owner);
  const object = deps.kustomizations.get(owner);
  return (
    state !== undefined && object !== undefined && noteHealthChange(change, state, rulesOf(object))
  );
}

/** Notes an object that no longer holds what was applied; returns whether that has to be looked at now. */
function noteOwnDrift(
  { owner, change, cluster }: { owner: string; change: LiveChange; cluster: Cluster },
  deps: KustomizationDeps,
): boolean {
  const state = deps.states.peek(owner);
  const object = deps.kustomizations.get(owner);
  const id = objectIdOf(change.object);
  state?.meanwhile?.set(formatObjectId(id), change);
  if (state === undefined || object === undefined || cluster.applied.ownerOf(id) !== owner)
    return false;
  return noteChange(change, cluster, { state, object }) && !object.spec.suspend;
}

function watchObjects(deps: KustomizationDeps, enqueue: Enqueue): void {
  deps.clusters.onChange((owner, change, cluster) => {
    if (noteOwnHealth(change, deps, owner)) enqueue(owner, 'progress');
    if (noteOwnDrift({ owner, change, cluster }, deps)) enqueue(owner, 'drift');
  });
  deps.clusters.onServed((owner) => enqueue(owner, 'change'));
  deps.clusters.onNamed(({ owners, change }) => {
    for (const owner of owners)
      if (change === undefined || noteOwnHealth(change, deps, owner)) enqueue(owner, 'progress');
  });
}

/** A hint that a new artifact is there: it is fetched while the API server's news is on its way. */
export function prefetchArtifact(deps: KustomizationDeps, logger: Logger) {
  return (notice: ArtifactNotice): void => {
    const { kind, namespace, name, artifact } = notice;
    if (deps.kustomizations.byIndex('source', `${kind}/${namespace}/${name}`).length === 0) return;
    deps.artifacts
      .acquire(artifact)
      .then((unpacked) => unpacked.release())
      .catch((error: unknown) => {
        logger.debug(
          { error: errorMessage(error), revision: artifact.revision },
          'Prefetch failed',
        );
      });
  };
}

/**
 * Makes the controller of Kustomizations. Besides their own changes, they are reconciled when their source has a new
 * artifact, a dependency they wait for becomes ready, a Secret or ConfigMap they use changes, an applied object drifts,
 * one that they wait for becomes healthy or fails, an Approval or a Window changes, or a kind that they lack is served.
 */
export function createKustomizationController(
  o: KustomizationControllerOptions,
): Controller<Kustomization> {
  const controller = createController<Kustomization>({ ...o, reconciler: reconcilerFor(o.deps) });
  const enqueue: Enqueue = (key, priority) => controller.enqueue(key, { priority });
  o.deps.revisit = enqueue;
  endWaitsOfIdle(o.informer, o.deps);
  o.deps.dependencies.onChange((dependant) => enqueue(dependant, 'change'));
  o.deps.changes.onChange((object) => enqueue(object, 'change'));
  watchSources(o.informer, o.deps, enqueue);
  watchConfigs({ ...o, states: o.deps.states }, enqueue);
  watchObjects(o.deps, enqueue);
  return controller;
}
