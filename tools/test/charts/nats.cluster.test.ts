import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { ArtifactNotice, FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import {
  artifactSubject,
  type Bus,
  connectBus,
  consume,
  createArtifactAnnouncer,
  createBusEventSink,
  deadLetterSubject,
  deliveredSubject,
  deliverySubject,
  eventSubject,
  lastMessage,
  onArtifacts,
  type StreamId,
  streamName,
  streamsOwnedBy,
  UnpublishableError,
} from '@sluice/shared/bus';
import { temporaryFolder } from '@sluice/testing';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ChartNats, startChartNats } from './nats-servers.ts';

const limit = () => AbortSignal.timeout(60_000);

const event = {
  involvedObject: { kind: 'Kustomization', namespace: 'apps', name: 'web' },
  severity: 'info',
  message: 'applied',
} as FluxEvent;

const notice = {
  kind: 'GitRepository',
  namespace: 'apps',
  name: 'web',
  observedAt: new Date().toISOString(),
  artifact: { revision: 'main@sha1:1' },
} as ArtifactNotice;

let buses: Bus[] = [];

afterEach(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  buses = [];
});

function busOf(nats: ChartNats, user: string, replicas = 1): Bus {
  const passwordFile = nats.passwordFile(user);
  const bus = connectBus({
    url: nats.url,
    name: user,
    user,
    passwordFile,
    owns: streamsOwnedBy(user),
    replicas,
    logger: silentLogger,
  });
  buses.push(bus);
  return bus;
}

async function start(settings: string[] = []): Promise<ChartNats> {
  const nats = await startChartNats(settings);
  onTestFinished(() => nats.stop());
  return nats;
}

/** Resolves with the first message of a stream. */
function firstOf(bus: Bus, stream: StreamId, filterSubject?: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const consumer = consume(bus, {
    stream,
    durable: filterSubject === undefined ? 'notification-controller' : 'provider-slack',
    ...(filterSubject !== undefined && { filterSubject }),
    maxInFlight: 1,
    ackWaitMs: 5_000,
    handler: async ({ data }) => {
      resolve(data);
      return 'ack';
    },
  });
  return promise.finally(() => consumer.close());
}

describe('the NATS server of the umbrella', () => {
  test('lets each controller do its work, from the artifact to the dead letter', async () => {
    const nats = await start();
    const source = busOf(nats, 'source-controller');
    const kustomize = busOf(nats, 'kustomize-controller');
    const helm = busOf(nats, 'helm-controller');
    const notification = busOf(nats, 'notification-controller');
    await Promise.all([source, kustomize, helm, notification].map((bus) => bus.ready(limit())));

    const heard = Promise.withResolvers<ArtifactNotice>();
    const listening = onArtifacts(kustomize, heard.resolve);
    await (await kustomize.ready()).nats.flush();
    createArtifactAnnouncer(source).announce(notice);
    expect(await heard.promise).toMatchObject({ name: 'web' });
    await listening.stop();

    for (const bus of [source, kustomize, helm, notification])
      await bus.publish({ subject: eventSubject('sluice', event), data: event, id: bus.name });
    expect(await firstOf(notification, 'events')).toMatchObject({ message: 'applied' });

    const publish = (subject: string) =>
      notification.publish({ subject, data: { subject }, id: subject });
    await publish(deliverySubject('sluice', 'apps', 'slack'));
    expect(await firstOf(notification, 'deliveries', 'sluice.delivery.apps.slack')).toMatchObject({
      subject: 'sluice.delivery.apps.slack',
    });
    await publish(deadLetterSubject('sluice', 'apps', 'slack'));
    const delivered = deliveredSubject('sluice', { namespace: 'apps', name: 'all' }, 'key');
    await publish(delivered);
    expect((await lastMessage(notification, 'delivered', delivered))?.data).toEqual({
      subject: delivered,
    });
  });

  test('refuses what a controller may not publish as a message that it never will', async () => {
    const nats = await start();
    const kustomize = busOf(nats, 'kustomize-controller');
    await kustomize.ready(limit());
    const foreign = [
      artifactSubject('sluice', notice),
      deliverySubject('sluice', 'apps', 'slack'),
      deadLetterSubject('sluice', 'apps', 'slack'),
    ];
    for (const subject of foreign) {
      const message = { subject, data: {}, id: subject, timeoutMs: 2_000 };
      await expect(kustomize.publish(message)).rejects.toThrow(UnpublishableError);
    }
  });

  test('has publishers wait for the owner of the streams, and go on when one is deleted', async () => {
    const nats = await start();
    const folder = await temporaryFolder('waiting');
    onTestFinished(() => folder.remove());
    const kustomize = busOf(nats, 'kustomize-controller');
    await kustomize.ready(limit());
    const sink = createBusEventSink(kustomize, {
      dir: folder.path,
      logger: silentLogger,
      maxRetryDelayMs: 100,
    });
    const heard: string[] = [];
    const flushed = async (message: string) => {
      await sink.publish({ ...event, message });
      await sink.flush();
    };
    await sink.publish({ ...event, message: 'before the owner' });
    expect(sink.depth()).toBe(1);

    const notification = busOf(nats, 'notification-controller');
    const consumer = consume<FluxEvent>(notification, {
      stream: 'events',
      durable: 'notification-controller',
      maxInFlight: 1,
      ackWaitMs: 5_000,
      handler: async ({ data }) => {
        heard.push(data.message);
        return 'ack';
      },
    });
    await sink.flush();
    await vi.waitUntil(() => heard.includes('before the owner'), { timeout: 30_000 });
    const admin = await nats.admin();
    await (await jetstreamManager(admin)).streams.delete('SLUICE_EVENTS');
    await admin.close();
    await flushed('after its deletion');
    await vi.waitUntil(() => heard.includes('after its deletion'), { timeout: 60_000 });
    await consumer.close();
    await sink.close();
  });

  test('lets nobody in without the password, and reads it again at each attempt', async () => {
    const nats = await start();
    const file = nats.passwordFile('source-controller');
    await appendFile(file, 'x');
    const bus = busOf(nats, 'source-controller');
    const isRefused = () => bus.status().lastError?.includes('uthorization') ?? false;
    await vi.waitUntil(isRefused, { timeout: 30_000 });
    expect(bus.status().ready).toBe(false);
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, -1));
    await bus.ready(limit());
  });
});

/** Whether all three servers have what a stream has. */
async function isKeptByAll(bus: Bus, id: StreamId): Promise<boolean> {
  const { manager } = await bus.ready(limit());
  const { cluster } = await manager.streams.info(streamName('sluice', id));
  return cluster?.replicas?.length === 2 && cluster.replicas.every(({ current }) => current);
}

describe('three NATS servers of the umbrella', () => {
  test('keep each stream three times, go on without one of them, and raise older streams', async () => {
    const nats = await start(['nats.replicas=3']);
    const before = busOf(nats, 'notification-controller', 1);
    const { manager } = await before.ready(limit());
    expect((await manager.streams.info('SLUICE_EVENTS')).config.num_replicas).toBe(1);
    const bus = busOf(nats, 'notification-controller', 3);
    const raised = await bus.ready(limit());
    const events = await raised.manager.streams.info('SLUICE_EVENTS');
    expect(events.config.num_replicas).toBe(3);
    // A replica that was not told yet does not lower it.
    await before.repair();
    expect((await manager.streams.info('SLUICE_EVENTS')).config.num_replicas).toBe(3);
    // What only the lost server has is lost with it, and the bus waits for each stream when it connects again.
    for (const id of streamsOwnedBy(bus.name))
      await vi.waitUntil(() => isKeptByAll(bus, id), { timeout: 60_000 });
    const connected = nats.url.split(',').indexOf(`nats://${raised.nats.getServer()}`);
    expect(connected).not.toBe(-1);
    await nats.servers[connected]?.kill();
    const publish = () =>
      bus.publish({ subject: eventSubject('sluice', event), data: event, id: 'after' }).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(publish, { timeout: 60_000 });
  });
});
