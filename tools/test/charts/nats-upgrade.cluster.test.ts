import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { alertKind, type FluxEvent, type KubeObject, providerKind } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import {
  type Bus,
  connectBus,
  consume,
  deadLetterSubject,
  deliveredSubject,
  eventSubject,
  lastMessage,
  type StreamId,
  streamName,
  streams,
  streamsOwnedBy,
} from '@sluice/shared/bus';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import {
  type Controllers,
  receiveWebhooks,
  startControllers,
  temporaryFolder,
  testCluster,
  testNamespace,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ChartNats, startChartNats } from './nats-servers.ts';

// Before notification-controller owned the streams, each controller's user could make and change all of them.

const ids = Object.keys(streams) as StreamId[];
const nameOf = (id: StreamId) => streamName('sluice', id);
const owner = 'notification-controller';

/** What the users could publish then, over what they can today. */
function formerRights(user: string): string[] {
  const verbs = ['INFO', 'CREATE', 'UPDATE'];
  const ofStreams = verbs.flatMap((verb) =>
    ids.map((id) => `$JS.API.STREAM.${verb}.${nameOf(id)}`),
  );
  if (user !== 'kustomize-controller') return ofStreams;
  return [
    ...ofStreams,
    '$JS.API.CONSUMER.CREATE.SLUICE_ARTIFACTS.>',
    '$JS.API.CONSUMER.MSG.NEXT.SLUICE_ARTIFACTS.>',
  ];
}

/** Adds them to a configuration. */
function formerConfig(config: string): string {
  return config.replaceAll(
    /user: ([a-z]+-controller)\n([^{]*permissions \{\s*publish: )(\[.*\])/g,
    (_, user: string, between: string, publish: string) => {
      const rights = [...(JSON.parse(publish) as string[]), ...formerRights(user)];
      return `user: ${user}\n${between}${JSON.stringify(rights)}`;
    },
  );
}

let nats: ChartNats;
let client: KubeClient;
let namespace: string;
let service: WebhookReceiver;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let controllers: Controllers | undefined;
const buses: Bus[] = [];

function busOf(user: string, owns: readonly StreamId[]): Bus {
  const passwordFile = nats.passwordFile(user);
  const bus = connectBus({
    url: nats.url,
    name: user,
    user,
    passwordFile,
    owns,
    logger: silentLogger,
  });
  buses.push(bus);
  return bus;
}

async function asAdmin<T>(fn: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const admin = await nats.admin();
  try {
    return await fn(await jetstreamManager(admin));
  } finally {
    await admin.close();
  }
}

beforeAll(async () => {
  const cluster = await testCluster();
  client = cluster.client;
  [nats, service, folder, namespace] = await Promise.all([
    startChartNats([], formerConfig),
    receiveWebhooks(),
    temporaryFolder('nats-upgrade'),
    testNamespace(client, 'upgrade'),
  ]);
  const metadata = { name: 'all', namespace };
  const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3';
  await client.create(resourceOf(providerKind), {
    apiVersion,
    kind: 'Provider',
    metadata,
    spec: { type: 'generic', address: service.url },
  } as KubeObject);
  await client.create(resourceOf(alertKind), {
    apiVersion,
    kind: 'Alert',
    metadata,
    spec: { providerRef: { name: 'all' }, eventSources: [{ kind: 'Kustomization', name: '*' }] },
  } as KubeObject);
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await controllers?.stop();
  await Promise.all([nats?.stop(), service?.close(), folder?.remove()]);
});

const eventOf = (message: string): FluxEvent => ({
  involvedObject: { kind: 'Kustomization', namespace, name: 'web' } as FluxEvent['involvedObject'],
  severity: 'info',
  timestamp: new Date().toISOString(),
  message,
  reason: 'ReconciliationSucceeded',
  reportingController: 'kustomize-controller',
});

const publish = (bus: Bus, message: string) => {
  const event = eventOf(message);
  return bus.publish({ subject: eventSubject('sluice', event), data: event, id: message });
};

/** Acknowledges what the stream of events holds, as the former notification-controller did. */
async function handleEvents(bus: Bus, count: number): Promise<void> {
  let handled = 0;
  const handler = async () => {
    handled++;
    return 'ack' as const;
  };
  const consumer = consume(bus, {
    stream: 'events',
    durable: owner,
    maxInFlight: 1,
    ackWaitMs: 5_000,
    handler,
  });
  await vi.waitUntil(() => handled === count, { timeout: 30_000 });
  await consumer.close();
}

/** Streams made by source-controller, one with another limit, and a message of each kind in them. */
async function formerInstallation() {
  const source = busOf('source-controller', ids);
  const { manager } = await source.ready(AbortSignal.timeout(30_000));
  await manager.streams.update('SLUICE_EVENTS', { max_bytes: 1024 * 1024 });
  const former = busOf(owner, []);
  await former.ready(AbortSignal.timeout(30_000));
  await publish(source, 'handled before');
  await handleEvents(former, 1);
  await publish(source, 'waits for the upgrade');
  const kept = {
    dead: deadLetterSubject('sluice', namespace, 'all'),
    delivered: deliveredSubject('sluice', { namespace, name: 'all' }, 'key'),
  };
  for (const subject of Object.values(kept)) {
    await former.publish({ subject, data: { subject }, id: subject });
  }
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
  return kept;
}

test('an upgrade hands the streams over with all that is in them', async () => {
  const kept = await formerInstallation();
  const createdBefore = await asAdmin((manager) =>
    Promise.all(ids.map(async (id) => (await manager.streams.info(nameOf(id))).created)),
  );

  await nats.upgrade();
  controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath: (await testCluster()).kubeconfigPath,
    natsUrl: nats.url,
    names: [owner],
    extraArgs: {
      [owner]: [`--nats-user=${owner}`, `--nats-password-file=${nats.passwordFile(owner)}`],
    },
  });
  await service.waitFor(({ body }) => body.includes('waits for the upgrade'));

  const kustomize = busOf('kustomize-controller', streamsOwnedBy('kustomize-controller'));
  await kustomize.ready(AbortSignal.timeout(30_000));
  await publish(kustomize, 'after the upgrade');
  await service.waitFor(({ body }) => body.includes('after the upgrade'));
  expect(service.requests.filter(({ body }) => body.includes('handled before'))).toEqual([]);

  const reader = busOf(owner, []);
  await reader.ready(AbortSignal.timeout(30_000));
  expect((await lastMessage(reader, 'delivered', kept.delivered))?.data).toEqual({
    subject: kept.delivered,
  });
  await asAdmin(async (manager) => {
    const infos = await Promise.all(ids.map((id) => manager.streams.info(nameOf(id))));
    expect(infos.map(({ created }) => created)).toEqual(createdBefore);
    const events = infos[ids.indexOf('events')];
    expect(events?.config.max_bytes).toBe(streams.events.maxBytes);
    const letter = await manager.streams.getMessage('SLUICE_DEADLETTER', {
      last_by_subj: kept.dead,
    });
    expect(letter?.json()).toEqual({ subject: kept.dead });
  });
  const former = busOf('source-controller', ids);
  await vi.waitUntil(() => former.status().lastError !== undefined, { timeout: 60_000 });
  expect(former.status().ready).toBe(false);
});
