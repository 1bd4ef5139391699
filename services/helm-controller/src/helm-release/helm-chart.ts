import { isDeepStrictEqual } from 'node:util';
import {
  type HelmChart,
  type HelmRelease,
  helmChartKind,
  helmReleaseNameLabel,
  helmReleaseNamespaceLabel,
  type KindDefinition,
} from '@sluice/shared/api';
import { formatDuration, parseDuration } from '@sluice/shared/base';
import { isNotFound, keyOf, parseKey, resourceOf } from '@sluice/shared/kube';
import { refuseReference } from '@sluice/shared/service';
import { fieldManager } from '../release/storage.ts';
import { sayTrace } from './events.ts';
import type { Run } from './run.ts';

const resource = resourceOf(helmChartKind as KindDefinition);

/** Returns the namespace and name of the HelmChart that spec.chart makes; undefined without spec.chart. */
export function helmChartKeyOf({ metadata, spec }: HelmRelease): string | undefined {
  if (spec.chart === undefined) return undefined;
  const namespace = spec.chart.spec.sourceRef.namespace ?? metadata.namespace;
  return keyOf({ namespace, name: `${metadata.namespace}-${metadata.name}` });
}

/** Says a duration as Flux writes it into HelmCharts, `10m0s` for `10m`, so that neither rewrites those of the other. */
function inGoWords(duration: string): string {
  try {
    return formatDuration(parseDuration(duration));
  } catch {
    // The API server says what is wrong with it.
    return duration;
  }
}

function desiredChart(object: HelmRelease, key: string): HelmChart {
  const { chart, interval } = object.spec;
  if (chart === undefined) throw new Error('a HelmRelease without spec.chart makes no HelmChart');
  const { sourceRef, interval: own, verify, ...rest } = chart.spec;
  const { name, namespace } = object.metadata;
  return {
    apiVersion: `${helmChartKind.group}/${helmChartKind.version}`,
    kind: helmChartKind.kind,
    metadata: {
      ...parseKey(key),
      ...(chart.metadata?.annotations && { annotations: chart.metadata.annotations }),
      labels: {
        ...chart.metadata?.labels,
        [helmReleaseNameLabel]: name,
        [helmReleaseNamespaceLabel]: namespace ?? '',
      },
    },
    spec: {
      ...rest,
      sourceRef: { kind: sourceRef.kind, name: sourceRef.name },
      interval: inGoWords(own ?? interval),
      ...(verify && { verify }),
    },
  };
}

/** Whether the API server has a HelmChart as it should be. Suspending it is up to people. */
function isCurrent({ metadata, spec }: HelmChart, wanted: HelmChart): boolean {
  const { suspend: _, ...present } = spec;
  const { labels, annotations } = wanted.metadata;
  return (
    isDeepStrictEqual(present, JSON.parse(JSON.stringify(wanted.spec))) &&
    hasAll(metadata.labels, labels) &&
    hasAll(metadata.annotations, annotations)
  );
}

function hasAll(present: Record<string, string> = {}, wanted: Record<string, string> = {}) {
  return Object.entries(wanted).every(([key, value]) => present[key] === value);
}

function refuseForeignNamespace({ object, deps }: Run, key: string): void {
  const { namespace = '', name } = parseKey(key);
  const field = 'spec.chart.spec.sourceRef';
  refuseReference(object, { kind: 'HelmChart', name, namespace, field }, deps.settings);
}

/** Deletes the HelmChart that was made for the release, if there is one. */
export async function deleteHelmChart(run: Run): Promise<void> {
  const { status } = run.ctx.status;
  if (status.helmChart === undefined || status.helmChart === '') return;
  refuseForeignNamespace(run, status.helmChart);
  try {
    const isGone = await run.ctx.client.delete(resource, parseKey(status.helmChart));
    const what = isGone ? 'deleted' : 'requested the deletion of';
    await sayTrace(run, 'HelmChartDeleted', `${what} HelmChart '${status.helmChart}'`);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  delete status.helmChart;
}

/**
 * Makes the HelmChart of spec.chart as it should be, and deletes one that is no longer asked for. Sends nothing when the
 * watched HelmChart is right already.
 *
 * @throws StalledError AccessDenied when its namespace is not allowed
 */
export async function reconcileHelmChart(run: Run): Promise<void> {
  const { object, ctx, deps } = run;
  const { status } = ctx.status;
  const key = helmChartKeyOf(object);
  if (status.helmChart && status.helmChart !== key) await deleteHelmChart(run);
  if (key === undefined) return;
  refuseForeignNamespace(run, key);
  const wanted = desiredChart(object, key);
  const present = await deps.sources.get('HelmChart', parseKey(key));
  if (present === undefined || !isCurrent(present as HelmChart, wanted)) {
    const applied = await ctx.client.apply(resource, wanted, { fieldManager, force: true });
    run.helmChart = applied.object;
    const { kind, name } = wanted.spec.sourceRef;
    const action = present === undefined ? 'created' : 'configured';
    await sayTrace(
      run,
      present === undefined ? 'HelmChartCreated' : 'HelmChartConfigured',
      `${action} HelmChart '${key}' with source ${kind}/${parseKey(key).namespace}/${name}`,
    );
  }
  status.helmChart = key;
}
