import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FluxEvent } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import {
  type Bus,
  type Consumer,
  consume,
  createBusEventSink,
  inTrace,
  type OutboxSink,
} from '@sluice/shared/bus';
import { type NatsServer, startNats, temporaryFolder } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { busAt, Collected, dispose, eventOf } from './helpers.ts';

let nats: NatsServer;
let folder: { path: string; remove(): Promise<void> };
let bus: Bus;
let closing: { close(): Promise<void> }[];

beforeAll(async () => {
  nats = await startNats();
});

afterAll(() => nats.stop());

beforeEach(async () => {
  folder = await temporaryFolder('bus');
  bus = busAt(nats.url);
  closing = [];
});

afterEach(async () => {
  for (const part of closing.reverse()) await part.close();
  await dispose(bus);
  await folder.remove();
});

function sinkOf(of: Bus): OutboxSink {
  const sink = createBusEventSink(of, {
    dir: folder.path,
    logger: silentLogger,
    minRetryDelayMs: 5,
    maxRetryDelayMs: 100,
  });
  closing.push(sink);
  return sink;
}

function collect(): Collected<string> {
  const collected = new Collected<string>();
  const consumer: Consumer = consume<FluxEvent>(bus, {
    stream: 'events',
    durable: 'test',
    maxInFlight: 1,
    ackWaitMs: 30_000,
    handler: async ({ data }) => {
      collected.add(data.message);
      return 'ack';
    },
  });
  closing.push(consumer);
  return collected;
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `event ${i}`);

describe('events', () => {
  test('published while NATS is down arrive once each, in order, when it returns', async () => {
    await bus.ready();
    await nats.kill();
    const sink = sinkOf(bus);
    for (const message of numbered(20)) await sink.publish(eventOf(message));
    expect(sink.depth()).toBe(20);
    await nats.restart();
    const got = await collect().until((values) => values.length >= 20);
    expect(got).toEqual(numbered(20));
    await sink.flush();
    expect(sink.depth()).toBe(0);
  });

  test('held by a process that is killed are published by its successor, once each', async () => {
    await bus.ready();
    const script = join(import.meta.dirname, 'publisher.ts');
    const args = [
      '--disable-warning=ExperimentalWarning',
      script,
      nats.url,
      bus.prefix,
      folder.path,
    ];
    const publisher = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let held = -1;
    for await (const line of createInterface({ input: publisher.stdout })) {
      held = Number(line);
      if (held === 200) publisher.kill('SIGKILL');
    }
    if (publisher.exitCode === null && publisher.signalCode === null) await once(publisher, 'exit');
    expect(held).toBeGreaterThanOrEqual(200);

    await sinkOf(bus).flush();
    const got = await collect().until((values) => values.length >= held + 1);
    expect(got.slice(0, held + 1)).toEqual(numbered(held + 1));
    expect(new Set(got).size).toBe(got.length);
  });

  test('are in the stream before the publisher goes on, and not on disk', async () => {
    const { manager } = await bus.ready();
    const sink = sinkOf(bus);
    for (const message of numbered(3)) {
      await sink.publish(eventOf(message));
      expect(await readdir(folder.path)).toEqual([]);
    }
    const { state } = await manager.streams.info(`${bus.prefix.toUpperCase()}_EVENTS`);
    expect(state.messages).toBe(3);
  });

  test('with the same id are stored once', async () => {
    await bus.ready();
    const message = { subject: `${bus.prefix}.event.info.K.n.a`, data: eventOf('x'), id: 'same' };
    const first = await bus.publish(message);
    const second = await bus.publish(message);
    expect(first.duplicate).toBe(false);
    expect(second).toEqual({ ...first, duplicate: true });
  });

  test('go on after their stream was deleted, for publisher and consumer', async () => {
    const sink = sinkOf(bus);
    const got = collect();
    await sink.publish(eventOf('before'));
    await got.until((values) => values.length === 1);
    const { manager } = await bus.ready();
    await manager.streams.delete(`${bus.prefix.toUpperCase()}_EVENTS`);
    await sink.publish(eventOf('after'));
    expect(await got.until((values) => values.length === 2)).toEqual(['before', 'after']);
  });

  test('that can never be published do not hold up the others, and are kept', async () => {
    const { nats: connection } = await bus.ready();
    const tooLong = 'x'.repeat(connection.info?.max_payload ?? 0);
    const sink = sinkOf(bus);
    const got = collect();
    await sink.publish(eventOf('first'));
    await sink.publish(eventOf('large', { metadata: { text: tooLong } }));
    for (const name of ['a b', '*', '>', '', 'a\r\nPUB sluice.x 0\r\n'])
      await sink.publish(
        eventOf(`named ${name}`, { involvedObject: { kind: name || 'a b', name: 'x' } }),
      );
    await inTrace({ traceparent: 'a\r\nb' }, () => sink.publish(eventOf('odd trace')));
    await sink.publish({ severity: 'info', message: 'odd' } as FluxEvent);
    await sink.publish(eventOf('last'));
    await sink.flush();
    expect(await got.until((values) => values.includes('last'))).toEqual(['first', 'last']);
    expect(await readdir(join(folder.path, 'dead'))).toHaveLength(8);
  });

  test('do not make the publisher wait for a server that hangs', async () => {
    await bus.ready();
    nats.signal('SIGSTOP');
    try {
      const sink = sinkOf(bus);
      await sink.publish(eventOf('patient'));
      expect(sink.depth()).toBe(1);
    } finally {
      nats.signal('SIGCONT');
    }
    expect(await collect().until((values) => values.length === 1)).toEqual(['patient']);
  });
});
