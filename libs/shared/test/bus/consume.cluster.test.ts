import {
  type Bus,
  type ConsumedMessage,
  type ConsumeOptions,
  type Consumer,
  consume,
  currentTrace,
  inTrace,
  lastMessage,
  UnreadableMessageError,
} from '@sluice/shared/bus';
import { type NatsServer, startNats } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { busAt, Collected, dispose } from './helpers.ts';

let nats: NatsServer;
let bus: Bus;
let consumers: Consumer[];

beforeAll(async () => {
  nats = await startNats();
});

afterAll(() => nats.stop());

beforeEach(async () => {
  bus = busAt(nats.url);
  consumers = [];
  await bus.ready();
});

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close()));
  await dispose(bus);
});

function start(options: Pick<ConsumeOptions<string>, 'handler'> & Partial<ConsumeOptions<string>>) {
  const consumer = consume<string>(bus, {
    stream: 'deliveries',
    durable: 'test',
    maxInFlight: 4,
    ackWaitMs: 30_000,
    ...options,
  });
  consumers.push(consumer);
  return consumer;
}

let published = 0;

function publish(data: unknown): Promise<unknown> {
  return bus.publish({ subject: `${bus.prefix}.delivery.n.p`, data, id: `m${published++}` });
}

async function stored(): Promise<number> {
  const { manager } = await bus.ready();
  const { state } = await manager.streams.info(`${bus.prefix.toUpperCase()}_DELIVERIES`);
  return state.messages;
}

/** The server says nothing when a message leaves a stream. */
async function untilEmpty(): Promise<void> {
  while ((await stored()) > 0) await new Promise((resolve) => setImmediate(resolve));
}

const deadLetter = () =>
  lastMessage(bus, 'deadletter', `${bus.prefix}.deadletter._unreadable.deliveries`);

describe('a consumer', () => {
  test('hands a message out again until it is acknowledged, and counts', async () => {
    const attempts = new Collected<number>();
    start({
      handler: async ({ redelivered }) => {
        attempts.add(redelivered);
        return redelivered < 2 ? { nakAfterMs: 10 } : 'ack';
      },
    });
    await publish('again');
    expect(await attempts.until((values) => values.length === 3)).toEqual([0, 1, 2]);
    await consumers.pop()?.close();
    await untilEmpty();
  });

  test('hands out again what a handler threw on', async () => {
    const attempts = new Collected<number>();
    start({
      handler: async ({ redelivered }) => {
        attempts.add(redelivered);
        if (redelivered === 0) throw new Error('once');
        return 'ack';
      },
    });
    await publish('throwing');
    expect(await attempts.until((values) => values.length === 2)).toEqual([0, 1]);
  });

  test('handles no more at a time than it may', async () => {
    const seen = new Collected<string>();
    const release = Promise.withResolvers<void>();
    const consumer = start({
      maxInFlight: 2,
      handler: async ({ data }) => {
        seen.add(data);
        await release.promise;
        return 'ack';
      },
    });
    for (let i = 0; i < 5; i++) await publish(`m${i}`);
    await seen.until((values) => values.length === 2);
    expect(consumer.inFlight()).toBe(2);
    release.resolve();
    await seen.until((values) => values.length === 5);
  });

  test('shares the messages with others of the same name', async () => {
    const seen = new Collected<string>();
    const handler = async ({ data }: ConsumedMessage<string>) => {
      seen.add(data);
      return 'ack' as const;
    };
    start({ handler, maxInFlight: 1 });
    start({ handler, maxInFlight: 1 });
    for (let i = 0; i < 20; i++) await publish(`m${i}`);
    const values = await seen.until((all) => all.length >= 20);
    expect(new Set(values).size).toBe(20);
  });

  test('goes on after the server was killed', async () => {
    const seen = new Collected<string>();
    start({
      handler: async ({ data }) => {
        seen.add(data);
        return 'ack';
      },
    });
    await publish('before');
    await seen.until((values) => values.includes('before'));
    await nats.restart();
    await bus.ready();
    await publish('after');
    await seen.until((values) => values.includes('after'));
  });

  test('of one subject takes over from one of all subjects of a queue', async () => {
    const seen = new Collected<string>();
    const handler = async ({ data }: ConsumedMessage<string>) => {
      seen.add(data);
      return 'ack' as const;
    };
    await publish('before');
    start({ handler, durable: 'all' });
    await seen.until((values) => values.includes('before'));
    await consumers.pop()?.close();
    const filterSubject = `${bus.prefix}.delivery.n.p`;
    start({ handler, durable: 'one', filterSubject, replaces: 'all' });
    await publish('after');
    await seen.until((values) => values.includes('after'));
    expect(seen.values).toEqual(['before', 'after']);
  });

  test('puts what is no JSON into the dead letters and goes on', async () => {
    const seen = new Collected<string>();
    const { jetstream } = await bus.ready();
    await jetstream.publish(`${bus.prefix}.delivery.n.p`, new TextEncoder().encode('{poison'));
    start({
      handler: async ({ data }) => {
        seen.add(data);
        return 'ack';
      },
    });
    await publish('good');
    await seen.until((values) => values.includes('good'));
    await untilEmpty();
    expect((await deadLetter())?.data).toMatchObject({
      error: 'the message is not valid JSON',
      raw: Buffer.from('{poison').toString('base64'),
    });
  });

  test('puts what it cannot handle in its attempts into the dead letters', async () => {
    const attempts = new Collected<number>();
    let deadLetters = 0;
    start({
      maxAttempts: 2,
      onDeadLetter: () => {
        deadLetters++;
      },
      handler: async ({ redelivered }) => {
        attempts.add(redelivered);
        return { nakAfterMs: 1 };
      },
    });
    await publish('hopeless');
    await attempts.until((values) => values.length === 2);
    await untilEmpty();
    expect((await deadLetter())?.data).toMatchObject({
      error: 'it was not handled in 2 attempts',
    });
    expect(deadLetters).toBe(1);
    expect(attempts.values).toHaveLength(2);
  });

  test('refuses messages of a later schema', async () => {
    await bus.publish({
      subject: `${bus.prefix}.delivery.n.p`,
      data: 'later',
      id: 'later',
      headers: { 'Sluice-Schema': '99' },
    });
    const seen = new Collected<string>();
    start({
      handler: async ({ data }) => {
        seen.add(data);
        return 'ack';
      },
    });
    await publish('now');
    expect(await seen.until((values) => values.length === 1)).toEqual(['now']);
    await untilEmpty();
    expect((await deadLetter())?.data).toMatchObject({
      error: expect.stringContaining('schema version 99'),
    });
  });

  test('leaves alone what it cannot read where somebody wants to hear of it, and goes on', async () => {
    const subject = `${bus.prefix}.delivery.n.p`;
    const { jetstream } = await bus.ready();
    const { seq } = await jetstream.publish(subject, new TextEncoder().encode('{poison'));
    const seen = new Collected<string>();
    const unreadable: unknown[] = [];
    start({
      onUnreadable: (message) => unreadable.push(message),
      handler: async ({ data }) => {
        if (data === 'none of ours') throw new UnreadableMessageError('it is none of ours');
        seen.add(data);
        return 'ack';
      },
    });
    await publish('none of ours');
    await publish('good');
    await seen.until((values) => values.includes('good'));
    await untilEmpty();
    expect(unreadable).toEqual([
      { subject, sequence: seq, error: 'the message is not valid JSON' },
      { subject, sequence: seq + 1, error: 'it is none of ours' },
    ]);
    expect(await deadLetter()).toBeUndefined();
  });
});

describe('every message', () => {
  test('carries id, content type, schema version and the trace of its publisher', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const seen = new Collected<{ headers: Record<string, string>; trace: unknown }>();
    start({
      handler: async ({ headers }) => {
        seen.add({ headers, trace: currentTrace() });
        return 'ack';
      },
    });
    await inTrace({ traceparent }, () =>
      bus.publish({ subject: `${bus.prefix}.delivery.n.p`, data: 'traced', id: 'traced' }),
    );
    const [got] = await seen.until((values) => values.length === 1);
    expect(got?.headers).toMatchObject({
      'nats-msg-id': 'traced',
      'content-type': 'application/json',
      'sluice-schema': '1',
      traceparent,
    });
    expect(got?.trace).toEqual({ traceparent });
  });
});
