import { allKinds, deliveryGroup, type KindDefinition } from '@sluice/shared/api';
import { dump } from 'js-yaml';
import { generatedMark } from '../generator.ts';

type Path = readonly string[];

const ready: Path = ['status', 'conditions', '[type=Ready]', 'status'];
const suspended: Path = ['spec', 'suspend'];
const artifactRevision: Path = ['status', 'artifact', 'revision'];

const sourceLabels = { ready, suspended, revision: artifactRevision };
const latestRelease = (field: string): Path => ['status', 'history', '0', field];

/** The labels of each kind besides name and namespace, under the names that Flux's dashboards query. */
const labelsByKind: Record<string, Record<string, Path>> = {
  GitRepository: { ...sourceLabels, url: ['spec', 'url'] },
  OCIRepository: { ...sourceLabels, url: ['spec', 'url'] },
  HelmRepository: { ...sourceLabels, url: ['spec', 'url'] },
  Bucket: { ...sourceLabels, endpoint: ['spec', 'endpoint'], bucket_name: ['spec', 'bucketName'] },
  HelmChart: { ...sourceLabels, chart_name: ['spec', 'chart'], chart_version: ['spec', 'version'] },
  ExternalArtifact: {
    ready,
    revision: artifactRevision,
    source_name: ['spec', 'sourceRef', 'name'],
  },
  ArtifactGenerator: { ready },
  Kustomization: {
    ready,
    suspended,
    revision: ['status', 'lastAppliedRevision'],
    source_name: ['spec', 'sourceRef', 'name'],
  },
  HelmRelease: {
    ready,
    suspended,
    revision: latestRelease('chartVersion'),
    chart_name: latestRelease('chartName'),
    chart_app_version: latestRelease('appVersion'),
    chart_ref_name: ['spec', 'chartRef', 'name'],
    chart_source_name: ['spec', 'chart', 'spec', 'sourceRef', 'name'],
  },
  // Ready of those that ask for audit records.
  Alert: { ready, suspended },
  Provider: { suspended },
  Receiver: { ready, suspended, webhook_path: ['status', 'webhookPath'] },
};

/** The configuration of custom resource metrics, in the form that kube-state-metrics reads. */
export interface CustomResourceStateMetrics {
  kind: 'CustomResourceStateMetrics';
  spec: { resources: ReturnType<typeof resource>[] };
}

/**
 * Makes the kube-state-metrics configuration that gives `gotk_resource_info` for every kind that is reconciled.
 *
 * @throws Error when a kind has no entry here
 */
export function kubeStateMetricsConfig(): CustomResourceStateMetrics {
  // What people decide has no state of its own; what it leads to shows in the objects that it is about.
  const kinds = allKinds.filter(({ group }) => group !== deliveryGroup);
  return { kind: 'CustomResourceStateMetrics', spec: { resources: kinds.map(resource) } };
}

function resource({ group, version, kind }: KindDefinition) {
  const labels = labelsByKind[kind];
  if (labels === undefined) throw new Error(`kind ${kind} has no labels: add them to labelsByKind`);
  return {
    groupVersionKind: { group, version, kind },
    metricNamePrefix: 'gotk',
    metrics: [
      {
        name: 'resource_info',
        help: 'The current state of an object; always 1.',
        each: { type: 'Info', info: { labelsFromPath: { name: ['metadata', 'name'] } } },
        labelsFromPath: { exported_namespace: ['metadata', 'namespace'], ...labels },
      },
    ],
  };
}

/** Generates the file that the umbrella chart puts into a ConfigMap. */
export async function generateKubeStateMetrics(): Promise<Map<string, string>> {
  const text = dump(kubeStateMetricsConfig(), { lineWidth: -1, noRefs: true, flowLevel: 7 });
  const header = `# ${generatedMark}; edit tools/generate/monitoring instead.\n`;
  return new Map([['charts/sluice/files/kube-state-metrics.yaml', header + text]]);
}
