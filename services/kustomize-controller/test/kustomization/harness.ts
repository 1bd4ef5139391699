import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Artifact,
  type FluxEvent,
  type Kustomization,
  type KustomizationSpec,
  kustomizationKind,
} from '@sluice/shared/api';
import { createLogger } from '@sluice/shared/base';
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
  localNetworkFlags,
  startArtifactSource,
  testCluster,
  testNamespace,
  toolPath,
  until,
} from '@sluice/testing';
import type { Registry } from 'prom-client';
import { readConfig } from '../../src/config.ts';
import { startKustomizeController } from '../../src/start.ts';

export const kustomizations = resourceOf(kustomizationKind);
export const deployments: ApiResource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
const shard = 'test.sluice.dev/shard';

type Files = Record<string, string>;

/** A controller that sees only the objects of one test, and a source that the test writes. */
export interface Bed {
  client: KubeClient;
  namespace: string;
  /** Directory for unpacked artifacts and builds. */
  workPath: string;
  /** Events that left the controller. */
  events: FluxEvent[];
  /** All that the controller has logged, at level debug. */
  log(): string;
  /** What it tells at /metrics. */
  metrics(): Promise<string>;
  /** Publishes files as a new revision of a source. */
  publish(files: Files, revision?: string, name?: string): Promise<Artifact>;
  /** Creates a Kustomization of the source. */
  apply(spec?: Partial<KustomizationSpec>, name?: string): Promise<Kustomization>;
  patch(spec: Partial<KustomizationSpec>, name?: string): Promise<Kustomization>;
  /** Waits for a state of a Kustomization, and checks the rules of status once it has settled. */
  when(predicate: (object: Kustomization) => boolean, name?: string): Promise<Kustomization>;
  /** Waits until a revision is applied. */
  ready(revision: string, name?: string): Promise<Kustomization>;
  /** Waits until a Kustomization has failed with a reason. */
  failed(reason: string, name?: string): Promise<Kustomization>;
  /** Waits for an event. */
  event(predicate: (event: FluxEvent) => boolean): Promise<FluxEvent>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const conditionOf = (object: Kustomization, type = 'Ready') =>
  object.status?.conditions?.find((condition) => condition.type === type);

/**
 * Starts a controller in this process, restricted by a label of its own.
 *
 * @param flags more flags of the controller
 * @param o.localNetwork false: of this machine, objects reach the artifacts alone
 */
export async function startBed(
  flags: string[] = [],
  { localNetwork = true }: { localNetwork?: boolean } = {},
): Promise<Bed> {
  const { client } = await testCluster();
  const namespace = await testNamespace(client, 'ks');
  const dir = await mkdtemp(join(tmpdir(), 'sluice-ks-'));
  const host = localNetwork ? undefined : artifactsOnly.host;
  const source = await startArtifactSource({ client, namespace, dir, host });
  const log = new EventLog();
  const workPath = join(dir, 'work');
  const config = readConfig(
    [
      `--watch-label-selector=${shard}=${namespace}`,
      `--work-path=${workPath}`,
      `--kustomize-builder=${toolPath('kustomize-builder')}`,
      `--sops-binary=${toolPath('sops')}`,
      '--http-retry=2',
      ...(localNetwork ? localNetworkFlags : artifactsOnly.flags),
      '--least-interval=10ms',
      '--least-timeout=1s',
      ...flags,
    ],
    {},
  );
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'debug', name: 'kustomize-controller', destination });
  let registry: Registry | undefined;
  const begin = async () => {
    const stop = new AbortController();
    const recorder = createEventRecorder({
      client,
      controllerName: 'kustomize-controller',
      sink: log,
      logger,
    });
    const metrics = createMetrics('kustomize-controller');
    registry = metrics.registry;
    const doors = { client, logger, metrics, events: recorder };
    const running = await startKustomizeController(config, doors, stop.signal);
    return async () => {
      stop.abort();
      await running.ended;
    };
  };
  let end = await begin();
  const when = (predicate: (object: Kustomization) => boolean, name = 'app') =>
    until<Kustomization>(client, kustomizations, { namespace, name }, predicate);
  const bed: Bed = {
    client,
    namespace,
    workPath,
    events: log.events,
    log: () => lines.join(''),
    metrics: async () => (await registry?.metrics()) ?? '',
    publish: (files, revision, name) => source.publish(files, { revision, name }),
    apply: (spec = {}, name = 'app') =>
      client.create<Kustomization>(kustomizations, {
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        kind: 'Kustomization',
        metadata: { name, namespace, labels: { [shard]: namespace } },
        spec: {
          interval: '10m',
          prune: true,
          targetNamespace: namespace,
          sourceRef: { kind: 'ExternalArtifact', name: 'source' },
          ...spec,
        },
      }),
    patch: (spec, name = 'app') =>
      client.patch<Kustomization>(kustomizations, { namespace, name }, { spec }, { type: 'merge' }),
    when,
    async ready(revision, name) {
      const object = await when(
        (o) =>
          conditionOf(o)?.status === 'True' &&
          o.status?.lastAppliedRevision === revision &&
          o.status.observedGeneration === o.metadata.generation,
        name,
      );
      assertStatusContract(object);
      return object;
    },
    async failed(reason, name) {
      const object = await when(
        (o) => conditionOf(o)?.status === 'False' && conditionOf(o)?.reason === reason,
        name,
      );
      assertStatusContract(object);
      return object;
    },
    event: (predicate) => log.when(predicate),
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
  return bed;
}

/** Lets the namespace of a test go although its controller has stopped. */
async function releaseFinalizers(client: KubeClient, namespace: string): Promise<void> {
  const { items } = await client.list<Kustomization>(kustomizations, { namespace });
  for (const { metadata } of items) {
    await client
      .patch(kustomizations, metadata, { metadata: { finalizers: null } }, { type: 'merge' })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}

/** A ConfigMap manifest. */
export const configMap = (name: string, data: Record<string, string> = {}): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

/** A Deployment manifest. */
export const deployment = (name: string, replicas = 0, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: 'example/web:1' }] },
      },
      ...more,
    },
  });

export const configMaps = coreResources.configMaps;
export const secrets = coreResources.secrets;
