import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type Artifact,
  type FluxEvent,
  type HelmRelease,
  type HelmReleaseSpec,
  helmReleaseKind,
} from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { runCommand } from '@sluice/shared/cli';
import {
  type ApiResource,
  coreResources,
  isNotFound,
  type KubeClient,
  resourceOf,
} from '@sluice/shared/kube';
import { createEventRecorder, createMetrics } from '@sluice/shared/runtime';
import {
  artifactsOnly,
  assertStatusContract,
  EventLog,
  finishJob as endJob,
  localNetworkFlags,
  startArtifactSource,
  testCluster,
  testNamespace,
  toolPath,
  until,
  untilGone,
} from '@sluice/testing';
import type { Registry } from 'prom-client';
import { readConfig } from '../../src/config.ts';
import { startHelmController } from '../../src/start.ts';

export const helmReleases = resourceOf(helmReleaseKind);
export const deployments: ApiResource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const jobs: ApiResource = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};
export const { configMaps, secrets } = coreResources;
const shard = 'test.sluice.dev/shard';

/** Files of a chart, without its directory. */
export type ChartFiles = Record<string, string>;

/** A controller that sees only the objects of one test, and charts that the test writes. */
export interface Bed {
  client: KubeClient;
  namespace: string;
  /** Events that left the controller. */
  events: FluxEvent[];
  /** Publishes a chart; its revision is its version. */
  publish(files: ChartFiles, version?: string, name?: string): Promise<Artifact>;
  /** Creates a HelmRelease of the chart. */
  apply(spec?: Partial<HelmReleaseSpec>, name?: string): Promise<HelmRelease>;
  patch(spec: Partial<HelmReleaseSpec>, name?: string): Promise<HelmRelease>;
  annotate(annotations: Record<string, string>, name?: string): Promise<HelmRelease>;
  get(name?: string): Promise<HelmRelease>;
  /** Waits for a state of a HelmRelease. */
  when(predicate: (object: HelmRelease) => boolean, name?: string): Promise<HelmRelease>;
  /** Waits until a version of the chart is released at the present generation. */
  ready(version?: string, name?: string): Promise<HelmRelease>;
  /** Waits until a HelmRelease has failed with a reason. */
  failed(reason: string, name?: string): Promise<HelmRelease>;
  /** Waits for an event. */
  event(predicate: (event: FluxEvent) => boolean): Promise<FluxEvent>;
  /** Writes a chart for the helm program; returns its directory. */
  write(files: ChartFiles): Promise<string>;
  /** Returns the sum of the samples of a metric. */
  metric(name: string): Promise<number>;
  /** Runs the helm program against the cluster, in the namespace of the test. */
  helm(...args: string[]): Promise<string>;
  remove(name?: string): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const conditionOf = (object: HelmRelease, type = 'Ready') =>
  object.status?.conditions?.find((condition) => condition.type === type);

/** A chart with one ConfigMap, whose data is the value `text`. */
export function chart(version = '1.0.0', more: ChartFiles = {}): ChartFiles {
  return {
    'Chart.yaml': `apiVersion: v2\nname: web\nversion: ${version}\nappVersion: "${version}"\n`,
    'values.yaml': 'text: default\n',
    'templates/config.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  text: {{ .Values.text | quote }}\n  version: {{ .Chart.Version }}\n',
    ...more,
  };
}

function rooted(files: ChartFiles): ChartFiles {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`web/${path}`, text]));
}

/**
 * Starts a controller in this process, restricted by a label of its own.
 *
 * @param flags more flags of the controller
 * @param o.wrap makes the client of the controller, anew at each start of it
 * @param o.localNetwork false: of this machine, objects reach the artifacts alone
 */
export async function startBed(
  flags: string[] = [],
  o: { wrap?: (client: KubeClient) => KubeClient; localNetwork?: boolean } = {},
): Promise<Bed> {
  const { client, kubeconfigPath } = await testCluster();
  const namespace = await testNamespace(client, 'hr');
  const dir = await mkdtemp(join(tmpdir(), 'sluice-hr-'));
  const network =
    o.localNetwork === false ? artifactsOnly : { host: undefined, flags: localNetworkFlags };
  const source = await startArtifactSource({ client, namespace, dir, host: network.host });
  const log = new EventLog();
  const config = readConfig(
    [
      `--watch-label-selector=${shard}=${namespace}`,
      `--work-path=${join(dir, 'work')}`,
      `--helm-renderer=${toolPath('helm-renderer')}`,
      `--kustomize-builder=${toolPath('kustomize-builder')}`,
      '--http-retry=2',
      ...network.flags,
      '--least-interval=10ms',
      '--min-retry-delay=100ms',
      ...flags,
    ],
    {},
  );
  let registry: Registry | undefined;
  const begin = async () => {
    const stop = new AbortController();
    const logger = silentLogger;
    const controllerName = 'helm-controller';
    const events = createEventRecorder({ client, controllerName, sink: log, logger });
    const metrics = createMetrics(controllerName);
    registry = metrics.registry;
    const running = await startHelmController(
      config,
      { client: o.wrap?.(client) ?? client, logger, metrics, events },
      stop.signal,
    );
    return async () => {
      stop.abort();
      await running.ended;
    };
  };
  let end = await begin();
  const keyOf = (name: string) => ({ namespace, name });
  const when = (predicate: (object: HelmRelease) => boolean, name = 'app') =>
    until<HelmRelease>(client, helmReleases, keyOf(name), predicate);
  const merge = (name: string, patch: object) =>
    client.patch<HelmRelease>(helmReleases, keyOf(name), patch, { type: 'merge' });
  return {
    client,
    namespace,
    events: log.events,
    publish: (files, version = '1.0.0', name) =>
      source.publish(rooted(files), { revision: version, name }),
    apply: (spec = {}, name = 'app') =>
      client.create<HelmRelease>(helmReleases, {
        apiVersion: 'helm.toolkit.fluxcd.io/v2',
        kind: 'HelmRelease',
        metadata: { name, namespace, labels: { [shard]: namespace } },
        spec: {
          interval: '10m',
          chartRef: { kind: 'ExternalArtifact', name: 'source' },
          ...spec,
        },
      }),
    patch: (spec, name = 'app') => merge(name, { spec }),
    annotate: (annotations, name = 'app') => merge(name, { metadata: { annotations } }),
    get: (name = 'app') => client.get<HelmRelease>(helmReleases, keyOf(name)),
    when,
    async ready(version, name) {
      const object = await when(
        (o) =>
          conditionOf(o)?.status === 'True' &&
          o.status?.observedGeneration === o.metadata.generation &&
          (version === undefined || o.status?.history?.[0]?.chartVersion === version),
        name,
      );
      assertStatusContract(object);
      return object;
    },
    failed: (reason, name) =>
      when((o) => conditionOf(o)?.status === 'False' && conditionOf(o)?.reason === reason, name),
    event: (predicate) => log.when(predicate),
    async metric(name) {
      const found = await registry?.getSingleMetric(name)?.get();
      return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
    },
    async write(files) {
      const at = await mkdtemp(join(dir, 'chart-'));
      for (const [path, text] of Object.entries(files)) {
        await mkdir(join(at, dirname(path)), { recursive: true });
        await writeFile(join(at, path), text);
      }
      return at;
    },
    async helm(...args) {
      const result = await runCommand({
        file: toolPath('helm'),
        args: ['--namespace', namespace, ...args],
        env: { KUBECONFIG: kubeconfigPath, HOME: dir },
        timeoutMs: 60_000,
        maxOutputBytes: 16 * 1024 * 1024,
      });
      if (result.exitCode !== 0) throw new Error(result.stderr);
      return result.stdout;
    },
    async remove(name = 'app') {
      await client.delete(helmReleases, keyOf(name));
      await untilGone(client, helmReleases, keyOf(name));
    },
    async restart() {
      await end();
      end = await begin();
    },
    async stop() {
      await end();
      await source.stop();
      await releaseFinalizers(client, namespace);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Lets the namespace of a test go although its controller has stopped. */
async function releaseFinalizers(client: KubeClient, namespace: string): Promise<void> {
  const { items } = await client.list<HelmRelease>(helmReleases, { namespace });
  for (const { metadata } of items) {
    await client
      .patch(helmReleases, metadata, { metadata: { finalizers: null } }, { type: 'merge' })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}

/** Says that a Job, which nothing runs, has succeeded; waits until there is such a Job. */
export function finishJob({ client, namespace }: Bed, name: string): Promise<void> {
  return endJob(client, { namespace, name });
}
