import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Alert,
  alertKind,
  type FluxEvent,
  type KubeObject,
  type Provider,
  providerKind,
} from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import {
  type Bus,
  connectBus,
  eventSubject,
  type StreamId,
  streamName,
  streams,
  streamsOwnedBy,
} from '@sluice/shared/bus';
import { coreResources, type KubeClient, resourceOf } from '@sluice/shared/kube';
import {
  type Controllers,
  startControllers,
  temporaryFolder,
  testCluster,
  testNamespace,
} from '@sluice/testing';
import { eventOf } from './objects.ts';
import type { OwnCluster } from './own-cluster.ts';

type KubeEvent = KubeObject & { message: string };

/** A notification-controller as a process, with streams and a namespace of its own. */
export interface World {
  client: KubeClient;
  namespace: string;
  bus: Bus;
  controllers: Controllers;
  /** Stores an event about a Kustomization of the namespace in the event stream. */
  publish(change?: Partial<FluxEvent>): Promise<FluxEvent>;
  /** Posts an event over HTTP; returns the status. */
  post(event: unknown): Promise<number>;
  /**
   * Creates a Provider, with a Secret when `secret` is given, and an Alert for all Kustomizations; resolves when the
   * controller has seen them.
   */
  alert(o: {
    provider: Partial<Provider['spec']>;
    secret?: Record<string, string>;
    alert?: Partial<Alert['spec']>;
    /** Another one than the world's. */
    namespace?: string;
  }): Promise<string>;
  /** Waits for a Warning about an Alert; that its delivery has failed unless told. */
  failureOf(alert: string, reason?: string): Promise<KubeEvent>;
  /** Deletes the Alerts. */
  clear(): Promise<void>;
  /** Starts another process that shares the work. */
  replica(): Promise<Controllers>;
  end(): Promise<void>;
}

export interface WorldOptions {
  args?: string[];
  /** False: the controller runs without NATS. */
  nats?: boolean;
  /** False: the servers of this machine are out of reach for Providers. */
  localNetwork?: boolean;
  /** True: objects that failed are looked at, so that they have to exist. */
  checksIncidents?: boolean;
  /** True: replicas elect a leader, in the world's namespace. */
  elects?: boolean;
  /** Another cluster than the run-wide one, whose notification-controllers all see everything. */
  cluster?: Pick<OwnCluster, 'client' | 'kubeconfigPath'>;
  /** Another server than the run-wide one. */
  natsUrl?: string;
}

/** Short delays, so that retries fit into a test. */
const quickRetries = ['--delivery-min-retry-delay=50ms', '--delivery-max-retry-delay=200ms'];

const quickChecks = ['--incident-check-interval=200ms'];
const noChecks = ['--incident-check-interval=0s'];

export async function startWorld(o: WorldOptions = {}): Promise<World> {
  const shared = await testCluster();
  const { client, kubeconfigPath } = o.cluster ?? shared;
  const natsUrl = o.natsUrl ?? shared.natsUrl;
  const namespace = await (o.cluster ? newNamespace(client) : testNamespace(client, 'notify'));
  const folder = await temporaryFolder('notify');
  const natsPrefix = `n${randomBytes(5).toString('hex')}`;
  const bus = connectBus({
    url: natsUrl,
    prefix: natsPrefix,
    name: 'test',
    owns: streamsOwnedBy('notification-controller'),
    logger: silentLogger,
  });
  const start = (dir: string) =>
    startControllers({
      dir,
      kubeconfigPath,
      natsUrl: o.nats === false ? '' : natsUrl,
      natsPrefix,
      names: ['notification-controller'],
      localNetwork: o.localNetwork,
      ...(o.elects && { namespace }),
      extraArgs: {
        'notification-controller': [
          '--log-level=debug',
          ...quickRetries,
          ...(o.checksIncidents ? quickChecks : noChecks),
          ...(o.elects ? ['--enable-leader-election'] : []),
          ...(o.args ?? []),
        ],
      },
    });
  const controllers = await start(folder.path);
  const replicas: Controllers[] = [];
  return {
    client,
    namespace,
    bus,
    controllers,
    publish: (change) => publish(bus, namespace, change),
    post: (event) => post(controllers.eventsUrl, event),
    async alert(objects) {
      const name = await createAlert(client, objects.namespace ?? namespace, objects);
      await Promise.all([
        observed(controllers, 'Provider', name),
        observed(controllers, 'Alert', name),
      ]);
      return name;
    },
    failureOf: (alert, reason) => failureOf(client, namespace, alert, reason),
    async clear() {
      const alerts = await client.list(resourceOf(alertKind), { namespace });
      for (const { metadata } of alerts.items) {
        await client.delete(resourceOf(alertKind), { namespace, name: metadata.name });
      }
    },
    async replica() {
      const replica = await start(join(folder.path, `replica-${replicas.length}`));
      replicas.push(replica);
      return replica;
    },
    async end() {
      await Promise.all([controllers, ...replicas].map((each) => each.stop()));
      await deleteStreams(bus);
      await bus.close();
      await folder.remove();
    },
  };
}

/** In a cluster that ends with the tests. */
async function newNamespace(client: KubeClient): Promise<string> {
  const name = `notify-${randomBytes(5).toString('hex')}`;
  const metadata = { name };
  await client.create(coreResources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata });
  return name;
}

/** Finds the request that holds a message. */
export const about = (message: string) => (request: { body: string }) =>
  request.body.includes(message);

/** An event about a Kustomization of a namespace, of which there is no other. */
export function uniqueEvent(namespace: string, change: Partial<FluxEvent> = {}): FluxEvent {
  const event = eventOf({ message: `message ${randomBytes(4).toString('hex')}`, ...change });
  return { ...event, involvedObject: { ...event.involvedObject, namespace } };
}

async function publish(bus: Bus, namespace: string, change: Partial<FluxEvent> = {}) {
  await bus.ready();
  const event = uniqueEvent(namespace, change);
  const id = randomBytes(8).toString('hex');
  await bus.publish({ subject: eventSubject(bus.prefix, event), data: event, id });
  return event;
}

async function post(url: string, event: unknown): Promise<number> {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const response = await fetch(`${url}/`, { method: 'POST', body });
  await response.body?.cancel();
  return response.status;
}

async function createAlert(
  client: KubeClient,
  namespace: string,
  o: Parameters<World['alert']>[0],
): Promise<string> {
  const name = `a${randomBytes(4).toString('hex')}`;
  const metadata = { name, namespace };
  if (o.secret) {
    await client.create(coreResources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      stringData: o.secret,
    } as KubeObject);
  }
  await client.create<KubeObject & Pick<Provider, 'spec'>>(resourceOf(providerKind), {
    apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
    kind: 'Provider',
    metadata,
    spec: { type: 'generic', ...(o.secret && { secretRef: { name } }), ...o.provider },
  });
  await client.create<KubeObject & Pick<Alert, 'spec'>>(resourceOf(alertKind), {
    apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
    kind: 'Alert',
    metadata,
    spec: {
      providerRef: { name },
      eventSources: [{ kind: 'Kustomization', name: '*' }],
      ...o.alert,
    },
  });
  return name;
}

async function failureOf(
  client: KubeClient,
  namespace: string,
  alert: string,
  reason = 'NotificationDispatchFailed',
): Promise<KubeEvent> {
  const fieldSelector = `involvedObject.name=${alert},reason=${reason}`;
  const { resourceVersion, items } = await client.list<KubeEvent>(coreResources.events, {
    namespace,
    fieldSelector,
  });
  if (items[0]) return items[0];
  const selection = { namespace, fieldSelector, resourceVersion };
  const signal = AbortSignal.timeout(30_000);
  const watch = client.watch<KubeEvent>(coreResources.events, { ...selection, signal });
  for await (const { object } of watch) return object;
  throw new Error('the watch ended');
}

async function deleteStreams(bus: Bus): Promise<void> {
  const { manager } = await bus.ready(AbortSignal.timeout(10_000));
  for (const id of Object.keys(streams) as StreamId[]) {
    await manager.streams.delete(streamName(bus.prefix, id));
  }
}

/** The controller says in its log, which cannot be watched, what it has seen. */
async function observed(controllers: Controllers, kind: string, name: string): Promise<void> {
  const lines = () => controllers.processes['notification-controller'].log();
  while (
    !(await lines()).some((line) => line['controllerKind'] === kind && line['name'] === name)
  ) {
    await delay(10);
  }
}
