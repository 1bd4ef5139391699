import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Artifact,
  Condition,
  FluxEvent,
  KindDefinition,
  KubeObject,
} from '@sluice/shared/api';
import type { ApplierDoors, Audit } from '@sluice/shared/applier';
import { type Clock, createLogger } from '@sluice/shared/base';
import { type ApiResource, isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import {
  conditionsOf,
  createEventRecorder,
  createMetrics,
  findCondition,
} from '@sluice/shared/runtime';
import { startArtifactSource } from './artifact-source.ts';
import { createNamespace, type TestCluster, testCluster, testNamespace } from './cluster.ts';
import { EventLog } from './event-log.ts';
import { artifactsOnly, localNetworkFlags } from './local-network.ts';
import { assertStatusContract } from './status-contract.ts';
import { toolPath } from './tool-path.ts';
import { until, untilGone } from './until.ts';

/** Label of the objects of a bed, with its namespace; its controller sees no others. */
export const shardLabel = 'test.sluice.dev/shard';

/** An object that an applier reconciles. */
export interface AppliedKind extends KubeObject {
  spec: object;
  status?: { conditions?: Condition[]; observedGeneration?: number };
}

type SpecOf<T extends AppliedKind> = Partial<T['spec']>;

export interface ApplierBedOptions<T extends AppliedKind> {
  kind: KindDefinition<T>;
  controllerName: string;
  /** Fields that an object has, besides `interval`, unless a test sets them. */
  spec: (namespace: string) => SpecOf<T>;
  /** Whether an object has what a test waits for, a revision for instance; it is Ready already. */
  hasReached: (object: T, wanted: string) => boolean;
  /** Starts the controller with flags. */
  start: (
    flags: string[],
    doors: ApplierDoors,
    signal: AbortSignal,
  ) => Promise<{ ended: Promise<unknown> }>;
  flags: string[];
  /** Makes the client of the controller, anew at each start of it. */
  wrap?: (client: KubeClient) => KubeClient;
  /** false: of this machine, objects reach the artifacts alone. */
  localNetwork?: boolean;
  /** One in which nobody else is; the shared one unless told. */
  cluster?: Pick<TestCluster, 'client' | 'kubeconfigPath'>;
  /** By which the controller and its events go; the machine's unless told. */
  clock?: Clock;
  /** The audit trail; none unless told. */
  audit?: Audit;
}

/** An applier that sees only the objects of one test, and sources that the test writes. */
export interface ApplierBed<T extends AppliedKind> {
  client: KubeClient;
  kubeconfigPath: string;
  namespace: string;
  /** Directory of the test, removed at its end. */
  dir: string;
  /** Directory for unpacked artifacts and what the controller makes. */
  workPath: string;
  /** Events that left the controller. */
  events: FluxEvent[];
  /** All that the controller has logged, at level debug. */
  log(): string;
  /** What it tells at /metrics. */
  metrics(): Promise<string>;
  /** Returns the sum of the samples of a metric. */
  metric(name: string): Promise<number>;
  /** Publishes files as a new revision of a source. */
  publish(files: Record<string, string>, revision?: string, name?: string): Promise<Artifact>;
  /** Creates an object. */
  apply(spec?: SpecOf<T>, name?: string): Promise<T>;
  patch(spec: SpecOf<T>, name?: string): Promise<T>;
  annotate(annotations: Record<string, string>, name?: string): Promise<T>;
  get(name?: string): Promise<T>;
  /** Waits for a state of an object. */
  when(predicate: (object: T) => boolean, name?: string): Promise<T>;
  /** Waits until an object is Ready at its present generation, and has reached what is wanted. */
  ready(wanted?: string, name?: string): Promise<T>;
  /** Waits until an object has failed with a reason, and a message of a form. */
  failed(reason: string, name?: string, message?: RegExp): Promise<T>;
  /** Waits for an event. */
  event(predicate: (event: FluxEvent) => boolean): Promise<FluxEvent>;
  remove(name?: string): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The condition of a type that an object has. */
export const conditionOf = (object: KubeObject, type = 'Ready') =>
  findCondition(conditionsOf(object), type);

/** Starts an applier in this process, restricted by a label of its own. */
export async function startApplierBed<T extends AppliedKind>(
  o: ApplierBedOptions<T>,
): Promise<ApplierBed<T>> {
  const { client, kubeconfigPath } = o.cluster ?? (await testCluster());
  const prefix = o.kind.shortNames[0] ?? o.kind.singular;
  const namespace = o.cluster ? 'test' : await testNamespace(client, prefix);
  if (o.cluster) await createNamespace(client, namespace);
  const dir = await mkdtemp(join(tmpdir(), `sluice-${prefix}-`));
  const workPath = join(dir, 'work');
  const network =
    o.localNetwork === false ? artifactsOnly : { host: undefined, flags: localNetworkFlags };
  const source = await startArtifactSource({ client, namespace, dir, host: network.host });
  const flags = [
    `--watch-label-selector=${shardLabel}=${namespace}`,
    `--work-path=${workPath}`,
    `--kustomize-builder=${toolPath('kustomize-builder')}`,
    '--http-retry=2',
    ...network.flags,
    '--least-interval=10ms',
    // What is waited for has to wake whoever waits.
    '--requeue-dependency=1h',
    ...o.flags,
  ];
  const running = createRun(o, client, flags);
  await running.start();
  const objects = createObjects(o, client, namespace);
  return {
    ...running,
    ...objects,
    client,
    kubeconfigPath,
    namespace,
    dir,
    workPath,
    publish: (files, revision, name) => source.publish(files, { revision, name }),
    async restart() {
      await running.end();
      await running.start();
    },
    async stop() {
      await running.end();
      await source.stop();
      await releaseFinalizers(client, resourceOf(o.kind), namespace);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The controller, which can be started again, and what it tells. */
function createRun<T extends AppliedKind>(
  o: ApplierBedOptions<T>,
  client: KubeClient,
  flags: string[],
) {
  const { controllerName, clock } = o;
  const sink = new EventLog();
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'debug', name: controllerName, destination });
  let metrics = createMetrics(controllerName);
  let end = async () => {};
  return {
    events: sink.events,
    event: (predicate: (event: FluxEvent) => boolean) => sink.when(predicate),
    log: () => lines.join(''),
    metrics: () => metrics.registry.metrics(),
    async metric(name: string) {
      const found = await metrics.registry.getSingleMetric(name)?.get();
      return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
    },
    end: () => end(),
    async start() {
      const stop = new AbortController();
      const own = o.wrap?.(client) ?? client;
      const timed = clock && { clock };
      const events = createEventRecorder({ client, controllerName, sink, logger, ...timed });
      metrics = createMetrics(controllerName);
      const audited = o.audit && { audit: o.audit };
      const doors = { client: own, logger, metrics, events, ...timed, ...audited };
      const { ended } = await o.start(flags, doors, stop.signal);
      end = async () => {
        stop.abort();
        await ended;
      };
    },
  };
}

/** What a test does with the objects. */
function createObjects<T extends AppliedKind>(
  o: ApplierBedOptions<T>,
  client: KubeClient,
  namespace: string,
) {
  const { group, version, kind } = o.kind;
  const resource = resourceOf(o.kind);
  const keyOf = (name: string) => ({ namespace, name });
  const merge = (name: string, patch: object) =>
    client.patch<T>(resource, keyOf(name), patch, { type: 'merge' });
  const when = (predicate: (object: T) => boolean, name = 'app') =>
    until<T>(client, resource, keyOf(name), predicate);
  const settled = async (predicate: (object: T) => boolean, name?: string) => {
    const object = await when(predicate, name);
    assertStatusContract(object);
    return object;
  };
  return {
    apply: (spec: SpecOf<T> = {}, name = 'app') =>
      client.create<T>(resource, {
        apiVersion: `${group}/${version}`,
        kind,
        metadata: { name, namespace, labels: { [shardLabel]: namespace } },
        spec: { interval: '10m', ...o.spec(namespace), ...spec },
      } as unknown as T),
    patch: (spec: SpecOf<T>, name = 'app') => merge(name, { spec }),
    annotate: (annotations: Record<string, string>, name = 'app') =>
      merge(name, { metadata: { annotations } }),
    get: (name = 'app') => client.get<T>(resource, keyOf(name)),
    when,
    ready: (wanted?: string, name?: string) =>
      settled(
        (object) =>
          conditionOf(object)?.status === 'True' &&
          object.status?.observedGeneration === object.metadata.generation &&
          (wanted === undefined || o.hasReached(object, wanted)),
        name,
      ),
    failed: (reason: string, name?: string, message = /^/) =>
      settled((object) => {
        const ready = conditionOf(object);
        return ready?.status === 'False' && ready.reason === reason && message.test(ready.message);
      }, name),
    async remove(name = 'app') {
      await client.delete(resource, keyOf(name));
      await untilGone(client, resource, keyOf(name));
    },
  };
}

/** Lets the namespace of a test go although its controller has stopped. */
async function releaseFinalizers(client: KubeClient, resource: ApiResource, namespace: string) {
  const { items } = await client.list(resource, { namespace });
  const patch = { metadata: { finalizers: null } };
  for (const { metadata } of items) {
    await client.patch(resource, metadata, patch, { type: 'merge' }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
