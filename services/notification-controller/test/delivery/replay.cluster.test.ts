import {
  type KubeObject,
  type Provider,
  providerKind,
  replayDeadLettersAnnotation,
} from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { lastMessage, publishDeadLetter, streamName } from '@sluice/shared/bus';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { type Controllers, receiveWebhooks, until, type WebhookReceiver } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeadLetter, Delivery } from '../../src/delivery/delivery.ts';
import { type OwnCluster, startOwnCluster } from '../own-cluster.ts';
import { about, startWorld, uniqueEvent, type World } from '../world.ts';

// Every notification-controller that sees a Provider replays what its own NATS has.
let cluster: OwnCluster;
let world: World;
let service: WebhookReceiver;

beforeAll(async () => {
  cluster = await startOwnCluster();
});

afterAll(() => cluster.stop());

beforeEach(async () => {
  service = await receiveWebhooks();
});

afterEach(async () => {
  await world.clear();
  await service.close();
});

async function annotate(name: string, token: string): Promise<void> {
  const key = { namespace: world.namespace, name };
  const metadata = { annotations: { [replayDeadLettersAnnotation]: token } };
  const options = { type: 'merge', fieldManager: 'kubectl-annotate' } as const;
  await world.client.patch(resourceOf(providerKind), key, { metadata }, options);
}

const handled = (name: string, token: string) =>
  until<Provider>(
    world.client,
    resourceOf(providerKind),
    { namespace: world.namespace, name },
    ({ status }) => status?.lastHandledReplayAt === token,
  );

/** What is said of a Provider's dead letters, and how often. */
async function eventsOf(name: string, reason = 'DeadLettersReplayed') {
  const { items } = await world.client.list<KubeObject & { message: string; count: number }>(
    coreResources.events,
    {
      namespace: world.namespace,
      fieldSelector: `involvedObject.name=${name},reason=${reason}`,
    },
  );
  return items;
}

/** Waits for the Event that says how many were replayed. */
async function said(name: string, message: string): Promise<void> {
  const isSaid = async () => (await eventsOf(name)).some((event) => event.message === message);
  await vi.waitUntil(isSaid, { timeout: 30_000 });
}

/** Makes a Provider whose deliveries are refused for good, and so many of them. */
async function withLetters(path: string, count: number) {
  const name = await world.alert({ provider: { address: `${service.url}/${path}` } });
  const events = [];
  for (let i = 0; i < count; i++) events.push(await world.publish());
  for (const { message } of events) {
    await service.waitFor((r) => r.path === `/${path}` && about(message)(r));
  }
  await until<Provider>(
    world.client,
    resourceOf(providerKind),
    { namespace: world.namespace, name },
    ({ status }) => (status?.deadLettered ?? 0) >= count,
  );
  return { name, events };
}

describe('with NATS', () => {
  beforeAll(async () => {
    world = await startWorld({ cluster });
  });

  afterAll(() => world.end());

  async function letters(name: string): Promise<number> {
    const { manager } = await world.bus.ready();
    const { state } = await manager.streams.info(streamName(world.bus.prefix, 'deadletter'), {
      subjects_filter: `${world.bus.prefix}.deadletter.${world.namespace}.${name}`,
    });
    return Object.values(state.subjects ?? {})[0] ?? 0;
  }

  test('the dead letters of a Provider are delivered again, and of no other', async () => {
    service.respond(400);
    const other = await withLetters('other', 2);
    await world.clear();
    const { name, events } = await withLetters('mine', 3);
    service.requests.length = 0;
    service.respond(200);
    await annotate(name, 'first');
    for (const { message } of events) await service.waitFor(about(message));
    await handled(name, 'first');
    await said(name, 'Replayed 3 dead letters');
    expect(service.requests.map(({ path }) => path)).toEqual(['/mine', '/mine', '/mine']);
    expect(await letters(name)).toBe(0);
    expect(await letters(other.name)).toBe(2);
  });

  test('a delivery that fails again is a dead letter again, for another request', async () => {
    service.respond(400);
    const { name, events } = await withLetters('again', 1);
    const message = events[0]?.message ?? '';
    await annotate(name, 'too early');
    await said(name, 'Replayed 1 dead letter');
    await until<Provider>(
      world.client,
      resourceOf(providerKind),
      { namespace: world.namespace, name },
      ({ status }) => status?.deadLettered === 2,
    );
    const subject = `${world.bus.prefix}.deadletter.${world.namespace}.${name}`;
    const letter = await lastMessage(world.bus, 'deadletter', subject);
    expect(letter?.data).toMatchObject({ delivery: { event: { message } } });
    service.requests.length = 0;
    service.respond(200);
    await annotate(name, 'in time');
    await service.waitFor(about(message));
    await handled(name, 'in time');
    expect(await letters(name)).toBe(0);
  });

  test('a thousand are delivered again for one value, and the others for the next', async () => {
    const name = await world.alert({ provider: { address: `${service.url}/many` } });
    const { bus, namespace } = world;
    const publish = (_: unknown, i: number) => {
      const event = uniqueEvent(namespace, { message: `letter ${i}` });
      const key = `${name}-${i}`;
      const delivery: Delivery = {
        id: key,
        key,
        event,
        alert: { namespace, name },
        provider: name,
      };
      const letter: DeadLetter & { subject: string } = {
        delivery,
        error: 'a test',
        attempts: 1,
        failedAt: new Date().toISOString(),
        subject: '',
      };
      return publishDeadLetter(bus, { namespace, provider: name, id: key, letter });
    };
    await mapConcurrently(Array.from({ length: 1_002 }), 100, publish);
    await annotate(name, 'first');
    await said(
      name,
      'Replayed 1000 dead letters; there are more: set notification.sluice.dev/replay-dead-letters to another value for the next',
    );
    await handled(name, 'first');
    expect(await letters(name)).toBe(2);
    await service.waitFor(() => service.requests.length === 1_000, { timeoutMs: 60_000 });
    expect(service.requests.some(about('letter 1000'))).toBe(false);
    await annotate(name, 'second');
    await service.waitFor(about('letter 1001'));
    await said(name, 'Replayed 2 dead letters');
    expect(await letters(name)).toBe(0);
  });

  test('a Provider that is suspended is asked when it is not any more', async () => {
    service.respond(400);
    const { name, events } = await withLetters('suspended', 1);
    const suspend = (value: boolean) =>
      world.client.patch(
        resourceOf(providerKind),
        { namespace: world.namespace, name },
        { spec: { suspend: value } },
        { type: 'merge', fieldManager: 'kubectl-edit' },
      );
    await suspend(true);
    service.requests.length = 0;
    service.respond(200);
    await annotate(name, 'while suspended');
    await suspend(false);
    await service.waitFor(about(events[0]?.message ?? ''));
    await handled(name, 'while suspended');
  });
});

describe('with two replicas that elect a leader', () => {
  let replica: Controllers;

  beforeAll(async () => {
    world = await startWorld({ cluster, elects: true });
    replica = await world.replica();
  });

  afterAll(() => world.end());

  test('dead letters are delivered once, and one Event tells of it', async () => {
    service.respond(400);
    const { name, events } = await withLetters('replicas', 3);
    service.requests.length = 0;
    service.respond(200);
    await annotate(name, 'for both');
    await handled(name, 'for both');
    await said(name, 'Replayed 3 dead letters');
    for (const { message } of events) await service.waitFor(about(message));
    // Events of one object arrive in order.
    const last = await world.publish();
    await service.waitFor(about(last.message));
    expect(service.requests).toHaveLength(4);
    expect(await eventsOf(name)).toMatchObject([{ message: 'Replayed 3 dead letters', count: 1 }]);
    const logs = await Promise.all(
      [world.controllers, replica].map(({ processes }) =>
        processes['notification-controller'].log(),
      ),
    );
    const replays = logs.flat().filter(({ msg }) => msg === 'Dead letters are replayed');
    expect(replays).toMatchObject([{ provider: `${world.namespace}/${name}`, replayed: 3 }]);
  });
});
