import { contract } from '../../../test/e2e/observability/contract.ts';
import { documentedMetrics } from '../../../test/e2e/observability/documented.ts';
import { kubeStateMetricsConfig } from '../../generate/monitoring/kube-state-metrics.ts';
import { readQuery } from './promql.ts';

/** A metric that a query may name. */
interface KnownMetric {
  labels: Set<string>;
  /** The controllers that have it; undefined for those of kube-state-metrics. */
  controllers?: readonly string[];
}

const scrapeLabels = ['namespace', 'pod', 'container', 'job', 'instance'];

/** The metrics that the page of metrics documents, which a test compares with what controllers expose. */
async function ownMetrics(): Promise<[string, KnownMetric][]> {
  const metrics = await documentedMetrics();
  return metrics.flatMap(({ name, labels, type, controllers }): [string, KnownMetric][] => {
    // The scrape moves a label that it sets itself.
    const moved = labels.map((label) => (label === 'namespace' ? `exported_${label}` : label));
    const all = new Set([...moved, ...scrapeLabels]);
    if (type !== 'histogram') return [[name, { labels: all, controllers }]];
    return [
      [`${name}_bucket`, { labels: new Set([...all, 'le']), controllers }],
      [`${name}_sum`, { labels: all, controllers }],
      [`${name}_count`, { labels: all, controllers }],
    ];
  });
}

function stateMetrics(): [string, KnownMetric][] {
  const { resources } = kubeStateMetricsConfig().spec;
  const labels = resources.flatMap(({ metrics }) =>
    metrics.flatMap((each) => [
      ...Object.keys(each.labelsFromPath),
      ...Object.keys(each.each.info.labelsFromPath),
    ]),
  );
  const reserved = ['customresource_group', 'customresource_version', 'customresource_kind'];
  return [
    ['gotk_resource_info', { labels: new Set([...labels, ...reserved]) }],
    ['kube_deployment_status_replicas_available', { labels: new Set(['namespace', 'deployment']) }],
  ];
}

/** Metrics of the process that the page does not list one by one. */
function processMetrics(): [string, KnownMetric][] {
  const names = Object.keys(contract['source-controller']).filter((name) => /^process_/.test(name));
  return names.map((name) => [name, { labels: new Set(scrapeLabels) }]);
}

/** Every metric that rules and dashboards may use, as Prometheus stores it. */
export async function knownMetrics(): Promise<Map<string, KnownMetric>> {
  return new Map([...processMetrics(), ...(await ownMetrics()), ...stateMetrics()]);
}

/** What a query names and nobody has: metrics, and labels of metrics. */
export function unknownIn(
  expr: string,
  known: ReadonlyMap<string, KnownMetric>,
  controller?: string,
): string[] {
  const { selectors, grouping, made } = readQuery(expr);
  const available = new Set(made);
  const problems = selectors.flatMap(({ metric, labels }) => {
    const found = known.get(metric);
    if (found === undefined) return [`${metric} does not exist`];
    for (const label of found.labels) available.add(label);
    const wrong = labels.filter((label) => !found.labels.has(label));
    const foreign = controller && found.controllers && !found.controllers.includes(controller);
    return [
      ...wrong.map((label) => `${metric} has no label ${label}`),
      ...(foreign ? [`${controller} does not have ${metric}`] : []),
    ];
  });
  const groups = grouping.filter((label) => !available.has(label));
  return [...problems, ...groups.map((label) => `no metric has the label ${label}`)];
}
