import { appendFile, readFile, writeFile } from 'node:fs/promises';
import type { ArtifactNotice, FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import {
  artifactSubject,
  type Bus,
  connectBus,
  consume,
  createArtifactAnnouncer,
  deadLetterSubject,
  deliveredSubject,
  deliverySubject,
  eventSubject,
  lastMessage,
  onArtifacts,
  type StreamId,
} from '@sluice/shared/bus';
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
function firstOf(bus: Bus, stream: StreamId, durable: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const consumer = consume(bus, {
    stream,
    durable,
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
    createArtifactAnnouncer(source).announce(notice);
    expect(await heard.promise).toMatchObject({ name: 'web' });
    await listening.stop();

    for (const bus of [source, kustomize, helm, notification])
      await bus.publish({ subject: eventSubject('sluice', event), data: event, id: bus.name });
    expect(await firstOf(notification, 'events', 'dispatch')).toMatchObject({ message: 'applied' });

    const publish = (subject: string) =>
      notification.publish({ subject, data: { subject }, id: subject });
    await publish(deliverySubject('sluice', 'apps', 'slack'));
    expect(await firstOf(notification, 'deliveries', 'deliver')).toMatchObject({
      subject: 'sluice.delivery.apps.slack',
    });
    await publish(deadLetterSubject('sluice', 'apps', 'slack'));
    const delivered = deliveredSubject('sluice', { namespace: 'apps', name: 'all' }, 'key');
    await publish(delivered);
    expect((await lastMessage(notification, 'delivered', delivered))?.data).toEqual({
      subject: delivered,
    });
  });

  test('keeps each controller from what is not its own', async () => {
    const nats = await start();
    const kustomize = busOf(nats, 'kustomize-controller');
    const source = busOf(nats, 'source-controller');
    const [own, other] = await Promise.all([kustomize.ready(limit()), source.ready(limit())]);
    const foreign = [
      artifactSubject('sluice', notice),
      deliverySubject('sluice', 'apps', 'slack'),
      deadLetterSubject('sluice', 'apps', 'slack'),
    ];
    for (const subject of foreign) {
      const message = { subject, data: {}, id: subject, timeoutMs: 2_000 };
      await expect(kustomize.publish(message)).rejects.toThrow(/[Pp]ermission/);
    }
    await expect(
      other.manager.consumers.add('SLUICE_EVENTS', { durable_name: 'spy' }),
    ).rejects.toThrow(/[Pp]ermission/);
    await expect(own.manager.streams.delete('SLUICE_EVENTS')).rejects.toThrow(/[Pp]ermission/);
    await expect(own.manager.streams.purge('SLUICE_EVENTS')).rejects.toThrow(/[Pp]ermission/);
    for (const subject of ['sluice.>', '_INBOX.source-controller.>', '>']) {
      const spying = Promise.withResolvers<Error | undefined>();
      own.nats.subscribe(subject, { callback: (error) => spying.resolve(error ?? undefined) });
      expect((await spying.promise)?.message).toMatch(/[Pp]ermission/);
    }
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

describe('three NATS servers of the umbrella', () => {
  test('keep each stream three times, go on without one of them, and raise older streams', async () => {
    const nats = await start(['nats.replicas=3']);
    const before = busOf(nats, 'helm-controller', 1);
    const { manager } = await before.ready(limit());
    expect((await manager.streams.info('SLUICE_EVENTS')).config.num_replicas).toBe(1);
    const bus = busOf(nats, 'notification-controller', 3);
    const raised = await bus.ready(limit());
    const events = await raised.manager.streams.info('SLUICE_EVENTS');
    expect(events.config.num_replicas).toBe(3);
    // A controller that was not told yet does not lower it.
    await before.repair();
    expect((await manager.streams.info('SLUICE_EVENTS')).config.num_replicas).toBe(3);
    await vi.waitUntil(
      async () => {
        const { cluster } = await raised.manager.streams.info('SLUICE_EVENTS');
        return cluster?.replicas?.length === 2 && cluster.replicas.every(({ current }) => current);
      },
      { timeout: 60_000 },
    );
    await nats.servers[0]?.kill();
    const publish = () =>
      bus.publish({ subject: eventSubject('sluice', event), data: event, id: 'after' }).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(publish, { timeout: 60_000 });
  });
});
