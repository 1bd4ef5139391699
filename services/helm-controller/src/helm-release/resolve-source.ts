import type { Artifact, HelmRelease } from '@sluice/shared/api';
import { WaitingError } from '@sluice/shared/base';
import { parseKey } from '@sluice/shared/kube';
import { conditionsOf, findCondition, stalledCondition } from '@sluice/shared/runtime';
import {
  failureOfSource,
  refuseReference,
  type SourceKind,
  type SourceObject,
  sourceId,
} from '@sluice/shared/service';
import { helmChartKeyOf } from './helm-chart.ts';
import type { Run } from './run.ts';

/** A source that a HelmRelease refers to. */
export interface SourceReference {
  kind: SourceKind;
  name: string;
  namespace: string;
  /** Field of the HelmRelease, for messages. */
  field: string;
}

/** Returns the reference to what holds the chart. */
export function chartReferenceOf(object: HelmRelease): SourceReference {
  const { chartRef } = object.spec;
  const own = object.metadata.namespace ?? '';
  if (chartRef !== undefined) {
    const { kind, name, namespace = own } = chartRef;
    return { kind, name, namespace, field: 'spec.chartRef' };
  }
  const { namespace = own, name } = parseKey(helmChartKeyOf(object) ?? '');
  return { kind: 'HelmChart', name, namespace, field: 'spec.chart' };
}

/** Names the source of the chart, as `HelmChart/namespace/name`. */
export function chartSourceIdOf(object: HelmRelease): string {
  const reference = chartReferenceOf(object);
  return sourceId(reference.kind, reference);
}

function whyNotReady(source: SourceObject): string | undefined {
  const status = source.status as { observedGeneration?: number } | undefined;
  const stalled = findCondition(conditionsOf(source), stalledCondition);
  if (source.kind !== 'ExternalArtifact') {
    if (status?.observedGeneration !== source.metadata.generation)
      return failureOfSource(source) ?? 'its latest change is not reconciled yet';
    if (stalled?.status === 'True') return stalled.message;
  }
  if (source.status?.artifact !== undefined) return undefined;
  return failureOfSource(source) ?? 'it has no artifact yet';
}

/**
 * Returns a source; undefined when there is none.
 *
 * @throws StalledError AccessDenied when the reference is not allowed
 */
export async function findSource(
  run: Run,
  reference: SourceReference,
): Promise<SourceObject | undefined> {
  const { kind, name, namespace } = reference;
  refuseReference(run.object, reference, run.deps.settings);
  // The watch may not know yet that its artifact is of what was asked for before.
  if (kind === 'HelmChart' && run.helmChart !== undefined) return run.helmChart;
  return run.deps.sources.get(kind, { namespace, name });
}

/**
 * Returns the artifact of a source.
 *
 * @throws StalledError AccessDenied when the reference is not allowed
 * @throws WaitingError SourceNotReady when there is no such source or it is not ready; its change re-enqueues
 */
export async function resolveSource(run: Run, reference: SourceReference): Promise<Artifact> {
  const { kind, name, namespace, field } = reference;
  const shown = `${kind}/${namespace}/${name}`;
  const source = await findSource(run, reference);
  if (source === undefined) {
    const fix =
      field === 'spec.chart' ? 'source-controller has to make it' : `create it or correct ${field}`;
    throw new WaitingError('SourceNotReady', `${shown} not found: ${fix}`);
  }
  const why = whyNotReady(source);
  if (why !== undefined) throw new WaitingError('SourceNotReady', `${shown} is not ready: ${why}`);
  return source.status?.artifact as Artifact;
}
