import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { streamName } from '@sluice/shared/bus';
import { describe, expect, test } from 'vitest';
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
  const { manager } = await bed.world.bus.ready();
  const { state } = await manager.streams.info(streamName(bed.world.bus.prefix, 'deliveries'), {
    subjects_filter: `${bed.world.bus.prefix}.delivery.${bed.world.namespace}.${provider}`,
  });
  return Object.values(state.subjects ?? {})[0] ?? 0;
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
