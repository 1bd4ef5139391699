import { type Artifact, type HelmChart, helmChartKind, type KubeObject } from '@sluice/shared/api';
import { type Informer, keyOf } from '@sluice/shared/kube';
import {
  artifactTraceparent,
  type Controller,
  DependencyIndex,
  type Reconciler,
} from '@sluice/shared/runtime';
import { removeArtifacts } from '../source/finalize.ts';
import { controllerName } from '../source/names.ts';
import type { HelmChartDeps } from './deps.ts';
import { reconcileHelmChart } from './reconcile.ts';

/** Makes the reconciler of HelmCharts. */
export function helmChartReconciler(deps: HelmChartDeps): Reconciler<HelmChart> {
  return {
    kind: helmChartKind,
    controllerName,
    reconcile: (context) => reconcileHelmChart(context, deps),
    cause: (object) => causeOf(object, deps),
    finalize: (context) => {
      deps.madeFrom.delete(context.key);
      return removeArtifacts(context, deps);
    },
  };
}

/** The trace of the source's artifact, if the chart was not looked for in it yet. */
function causeOf({ metadata, spec, status }: HelmChart, { sources }: HelmChartDeps) {
  const key = `${metadata.namespace}/${spec.sourceRef.name}`;
  const find = {
    GitRepository: sources.gitRepository,
    HelmRepository: sources.helmRepository,
    Bucket: sources.bucket,
  }[spec.sourceRef.kind];
  const source: ChartSourceObject | undefined = find(key);
  const artifact = source?.status?.artifact;
  const isNew = artifact?.revision !== status?.observedSourceArtifactRevision;
  return isNew ? artifactTraceparent(artifact) : undefined;
}

/** An object that charts come from. */
interface ChartSourceObject extends KubeObject {
  status?: { artifact?: Artifact };
}

/**
 * Reconciles HelmCharts as soon as their source has another artifact or another spec.
 *
 * @param sources the watches of the kinds that a HelmChart may refer to
 */
export function watchChartSources(
  charts: Informer<HelmChart>,
  sources: readonly Pick<Informer<ChartSourceObject>, 'onEvent'>[],
  controller: Pick<Controller<HelmChart>, 'enqueue'>,
): void {
  const index = new DependencyIndex();
  charts.onEvent(({ type, object }) => {
    const key = keyOf(object);
    if (type === 'deleted') index.delete(key);
    else index.set(key, [sourceKey(object.spec?.sourceRef?.kind, object, object.spec?.sourceRef)]);
  });
  for (const informer of sources) {
    informer.onEvent(({ type, object, previous }) => {
      if (type === 'deleted') return;
      const changed = isOther(object, previous);
      const revision = object.status?.artifact?.revision;
      for (const key of index.dependantsOf(sourceKey(object.kind, object, object.metadata))) {
        const seen = charts.get(key)?.status?.observedSourceArtifactRevision;
        if (changed || (revision !== undefined && revision !== seen)) {
          controller.enqueue(key, { priority: 'change' });
        }
      }
    });
  }
}

/** Whether charts have to look at a source again. Its first sight at a start is no reason: they start as well. */
function isOther(object: ChartSourceObject, previous: ChartSourceObject | undefined): boolean {
  if (previous === undefined) return object.status?.artifact === undefined;
  const artifact = object.status?.artifact;
  const before = previous.status?.artifact;
  return (
    object.metadata.generation !== previous.metadata.generation ||
    // The time moves alone when a lost file was made again.
    (artifact !== undefined &&
      (artifact.digest !== before?.digest || artifact.lastUpdateTime !== before.lastUpdateTime))
  );
}

function sourceKey(
  kind: string | undefined,
  { metadata: { namespace } }: KubeObject,
  reference: { name?: string } | undefined,
): string {
  return `${kind} ${namespace}/${reference?.name}`;
}
