import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { streamName } from '@sluice/shared/bus';
import { receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWorld, uniqueEvent, type World } from '../world.ts';

let world: World;
let service: WebhookReceiver;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.end());

beforeEach(async () => {
  service = await receiveWebhooks();
});

afterEach(async () => {
  await world.clear();
  await service.close();
});

const about = (message: string) => (request: { body: string }) => request.body.includes(message);

/** Takes connections and says nothing. */
async function hangingServer(): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function queued(provider: string): Promise<number> {
  const { manager } = await world.bus.ready();
  const { state } = await manager.streams.info(streamName(world.bus.prefix, 'deliveries'), {
    subjects_filter: `${world.bus.prefix}.delivery.${world.namespace}.${provider}`,
  });
  return Object.values(state.subjects ?? {})[0] ?? 0;
}

describe('a provider that hangs', () => {
  test('with 1,000 deliveries keeps no other waiting', async () => {
    const { url, server } = await hangingServer();
    const name = await world.alert({ provider: { address: url, timeout: '50s' } });
    // Those of one object would wait for each other.
    const { involvedObject } = uniqueEvent(world.namespace);
    const publishOf = (_: unknown, i: number) =>
      world.publish({ involvedObject: { ...involvedObject, name: `app-${i}` } });
    await Promise.all(Array.from({ length: 1_000 }, publishOf));
    while ((await queued(name)) < 1_000) await new Promise((resolve) => setImmediate(resolve));
    await world.alert({ provider: { address: service.url } });
    const event = await world.publish();
    await service.waitFor(about(event.message));
    expect(await queued(name)).toBeGreaterThanOrEqual(1_000);
    server.close();
  });
});

describe('a service that asks to be left alone', () => {
  test('gets no other delivery either', async () => {
    const name = await world.alert({ provider: { address: `${service.url}/busy` } });
    service.respond(({ path }) =>
      path === '/busy' ? { status: 429, headers: { 'retry-after': '600' } } : { status: 200 },
    );
    await world.publish();
    await service.waitFor(({ path }) => path === '/busy');
    await world.alert({ provider: { address: `${service.url}/free` } });
    const events = [];
    for (let i = 0; i < 10; i++) events.push(await world.publish());
    for (const { message } of events) {
      await service.waitFor((r) => r.path === '/free' && about(message)(r));
    }
    while ((await queued(name)) < 11) await new Promise((resolve) => setImmediate(resolve));
    expect(service.requests.filter(({ path }) => path === '/busy')).toHaveLength(1);
  });
});

describe('the stream of what was delivered', () => {
  test('is made again when somebody deleted it', async () => {
    await world.alert({ provider: { address: service.url } });
    const first = await world.publish();
    await service.waitFor(about(first.message));
    const { manager } = await world.bus.ready();
    await manager.streams.delete(streamName(world.bus.prefix, 'delivered'));
    const second = await world.publish();
    await service.waitFor(about(second.message));
  });
});
