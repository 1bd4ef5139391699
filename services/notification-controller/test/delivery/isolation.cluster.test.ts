import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { deadLettersOf, deliverySubject, streamName, streamUse } from '@sluice/shared/bus';
import { describe, expect, test, vi } from 'vitest';
import type { DeadLetter, Delivery } from '../../src/delivery/delivery.ts';
import { useWorld } from '../use-world.ts';
import { about, uniqueEvent } from '../world.ts';

const bed = useWorld();

/** Takes connections and says nothing. */
async function hangingServer(): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function queued(provider: string): Promise<number> {
  const { bus, namespace } = bed.world;
  const { subjects } = await streamUse(bus, 'deliveries');
  return subjects.get(deliverySubject(bus.prefix, namespace, provider)) ?? 0;
}

/** The server says nothing when a message comes or goes. */
async function untilQueued(provider: string, count: number): Promise<void> {
  while ((await queued(provider)) !== count) await new Promise((resolve) => setImmediate(resolve));
}

describe('a provider that hangs', () => {
  test('with 1,000 deliveries keeps no other waiting', async () => {
    const { url, server } = await hangingServer();
    const name = await bed.world.alert({ provider: { address: url, timeout: '50s' } });
    // Those of one object would wait for each other.
    const { involvedObject } = uniqueEvent(bed.world.namespace);
    const publishOf = (_: unknown, i: number) =>
      bed.world.publish({ involvedObject: { ...involvedObject, name: `app-${i}` } });
    await Promise.all(Array.from({ length: 1_000 }, publishOf));
    while ((await queued(name)) < 1_000) await new Promise((resolve) => setImmediate(resolve));
    await bed.world.alert({ provider: { address: bed.service.url } });
    const event = await bed.world.publish();
    await bed.service.waitFor(about(event.message));
    expect(await queued(name)).toBeGreaterThanOrEqual(1_000);
    server.close();
  });
});

describe('a service that asks to be left alone', () => {
  test('gets no other delivery either', async () => {
    const name = await bed.world.alert({ provider: { address: `${bed.service.url}/busy` } });
    bed.service.respond(({ path }) =>
      path === '/busy' ? { status: 429, headers: { 'retry-after': '600' } } : { status: 200 },
    );
    await bed.world.publish();
    await bed.service.waitFor(({ path }) => path === '/busy');
    await bed.world.alert({ provider: { address: `${bed.service.url}/free` } });
    const events = [];
    for (let i = 0; i < 10; i++) events.push(await bed.world.publish());
    for (const { message } of events) {
      await bed.service.waitFor((r) => r.path === '/free' && about(message)(r));
    }
    while ((await queued(name)) < 11) await new Promise((resolve) => setImmediate(resolve));
    expect(bed.service.requests.filter(({ path }) => path === '/busy')).toHaveLength(1);
  });
});

describe('a provider with a rate limit', () => {
  test('sends so many, and keeps no other waiting', async () => {
    const address = `${bed.service.url}/limited`;
    const name = await bed.world.alert({
      provider: { address, rateLimit: { count: 2, per: '1h' } },
    });
    await bed.world.alert({ provider: { address: `${bed.service.url}/free` } });
    const events = [];
    for (let i = 0; i < 50; i++) events.push(await bed.world.publish());
    for (const { message } of events) {
      await bed.service.waitFor((r) => r.path === '/free' && about(message)(r));
    }
    await bed.service.waitFor(() => limited().length === 2);
    await untilQueued(name, 48);
    expect(limited()).toHaveLength(2);

    function limited() {
      return bed.service.requests.filter(({ path }) => path === '/limited');
    }
  });
});

describe('a provider for which so much waits that there is no room for others', () => {
  const large = 'x'.repeat(900_000);

  /** Stores deliveries, the first of which is known by its name. */
  async function fill(provider: string, count: number): Promise<void> {
    const { bus, namespace } = bed.world;
    await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const event = { ...uniqueEvent(namespace), message: `${i} ${large}` };
        const alert = { namespace, name: provider };
        const delivery: Delivery = { id: `${provider}-${i}`, key: `${i}`, event, alert, provider };
        const subject = deliverySubject(bus.prefix, namespace, provider);
        return bus.publish({ subject, data: delivery, id: delivery.id, timeoutMs: 60_000 });
      }),
    );
  }

  test('loses its oldest to the dead letters, and no other loses any', async () => {
    const { bus } = bed.world;
    const slow = { address: `${bed.service.url}/slow`, rateLimit: { count: 1, per: '1h' } };
    const other = await bed.world.alert({ provider: slow });
    for (let i = 0; i < 3; i++) await bed.world.publish();
    await bed.service.waitFor(({ path }) => path === '/slow');
    await untilQueued(other, 2);
    const { url, server } = await hangingServer();
    const dead = await bed.world.alert({ provider: { address: url, timeout: '50s' } });
    await fill(dead, 115);
    const { message } = await bed.world.failureOf(dead);
    expect(message).toContain('NATS has no room for more deliveries');
    const firstOnes = (count: number) => Array.from({ length: count }, (_, i) => `${dead}-${i}`);
    await vi.waitUntil(
      async () => {
        const { bytes, maxBytes } = await streamUse(bus, 'deliveries');
        const lost = 115 - (await queued(dead));
        const isRoomy = lost > 0 && bytes < 0.65 * maxBytes;
        return isRoomy && isDeepStrictEqual(await lettersOf(dead), firstOnes(lost).sort());
      },
      { timeout: 90_000, interval: 500 },
    );
    expect(await queued(other)).toBe(2);
    expect(await lettersOf(other)).toEqual([]);
    server.close();
  }, 120_000);

  async function lettersOf(provider: string): Promise<string[]> {
    const { bus, namespace } = bed.world;
    const { signal } = new AbortController();
    const letters = [];
    for await (const { data } of deadLettersOf(bus, { namespace, provider, signal })) {
      letters.push((data as DeadLetter).delivery.id);
    }
    return letters.sort();
  }
});

describe('the stream of what was delivered', () => {
  test('is made again when somebody deleted it', async () => {
    await bed.world.alert({ provider: { address: bed.service.url } });
    const first = await bed.world.publish();
    await bed.service.waitFor(about(first.message));
    const { manager } = await bed.world.bus.ready();
    await manager.streams.delete(streamName(bed.world.bus.prefix, 'delivered'));
    const second = await bed.world.publish();
    await bed.service.waitFor(about(second.message));
  });
});
