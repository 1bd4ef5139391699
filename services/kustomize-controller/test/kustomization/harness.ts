import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Artifact,
  externalArtifactKind,
  type FluxEvent,
  type KubeObject,
  type Kustomization,
  type KustomizationSpec,
  kustomizationKind,
} from '@sluice/shared/api';
import { ArtifactStore, packArtifact, serveArtifacts } from '@sluice/shared/artifact';
import { silentLogger } from '@sluice/shared/base';
import {
  type ApiResource,
  coreResources,
  isNotFound,
  type KubeClient,
  resourceOf,
} from '@sluice/shared/kube';
import { createEventRecorder, createMetrics } from '@sluice/shared/runtime';
import {
  assertStatusContract,
  testCluster,
  testNamespace,
  toolPath,
  until,
} from '@sluice/shared/testing';
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
const sources = resourceOf(externalArtifactKind);
const shard = 'test.sluice.dev/shard';

type Files = Record<string, string>;

/** A controller that sees only the objects of one test, and a source that the test writes. */
export interface Bed {
  client: KubeClient;
  namespace: string;
  /** Events that left the controller. */
  events: FluxEvent[];
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

async function serve(dir: string) {
  const store = new ArtifactStore({
    dir,
    advertisedAddress: 'placeholder',
    retentionTtlMs: 600_000,
    retentionRecords: 100,
    digestAlgorithm: 'sha256',
  });
  const server = await serveArtifacts(store, { host: '127.0.0.1', port: 0, logger: silentLogger });
  return { store, server };
}

function entriesOf(files: Files) {
  return Object.entries(files).map(([path, content]) => ({
    path,
    executable: false,
    read: async () => Buffer.from(content),
  }));
}

/**
 * Starts a controller in this process, restricted by a label of its own.
 *
 * @param flags more flags of the controller
 */
export async function startBed(flags: string[] = []): Promise<Bed> {
  const { client } = await testCluster();
  const namespace = await testNamespace(client, 'ks');
  const dir = await mkdtemp(join(tmpdir(), 'sluice-ks-'));
  const { store, server } = await serve(join(dir, 'store'));
  const events: FluxEvent[] = [];
  const listeners = new Set<() => void>();
  const sink = {
    async publish(event: FluxEvent) {
      events.push(event);
      for (const listener of listeners) listener();
    },
  };
  const config = readConfig(
    [
      `--watch-label-selector=${shard}=${namespace}`,
      `--work-path=${join(dir, 'work')}`,
      `--kustomize-binary=${toolPath('kustomize')}`,
      '--http-retry=2',
      ...flags,
    ],
    {},
  );
  const begin = async () => {
    const stop = new AbortController();
    const recorder = createEventRecorder({
      client,
      controllerName: 'kustomize-controller',
      sink,
      logger: silentLogger,
    });
    const metrics = createMetrics('kustomize-controller');
    const doors = { client, logger: silentLogger, metrics, events: recorder };
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
    events,
    async publish(files, revision = 'v1', name = 'source') {
      const key = { namespace, name };
      const artifact = await store.publish(
        'ExternalArtifact',
        key,
        `${revision.replaceAll(/[^a-z0-9]/g, '-')}.tar.gz`,
        revision,
        (path) => packArtifact(entriesOf(files), path),
      );
      const url = `http://127.0.0.1:${server.port}/${artifact.path}`;
      await ensureSource(client, key);
      const status = { artifact: { ...artifact, url } };
      await client.patch(sources, key, { status }, { type: 'merge', subresource: 'status' });
      return status.artifact;
    },
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
    event: (predicate) =>
      new Promise((resolve) => {
        const look = () => {
          const found = events.find(predicate);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    async restart() {
      await end();
      end = await begin();
    },
    async stop() {
      await end();
      await server.close();
      await releaseFinalizers(client, namespace);
      await rm(dir, { recursive: true, force: true });
    },
  };
  return bed;
}

async function ensureSource(client: KubeClient, key: { namespace: string; name: string }) {
  try {
    await client.get(sources, key);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(sources, {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'ExternalArtifact',
      metadata: key,
      spec: {},
    } as KubeObject);
  }
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
