// npm run bench -- events [--n 10000] [--providers 4] [--queued 100000] [--only TEXT]: events a second from their
// publication until their delivery on one replica and on two, the latency at 100 a second, and memory while many wait for
// a dead service. The baseline does the least that a queue costs: it publishes the same bodies, consumes them, posts them
// and acknowledges.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy } from '@nats-io/jetstream';
import type { FluxEvent } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { eventSubject, streamName } from '@sluice/shared/bus';
import { type ControllerProcess, type Controllers, usageOf } from '@sluice/testing';
import { Agent, request } from 'undici';
import { type Alerting, namespace, withAlerting } from './alerting.ts';
import { argument, percentile } from './setup.ts';

const count = Number(argument('n', '10000'));
/** Each gets its share of the events, and four at a time. */
const providers = Number(argument('providers', '4'));
const queued = Number(argument('queued', '100000'));
const only = argument('only', '');
const publishing = 256;
const apps = 200;

/** A service that notes when it received what. */
interface Sink {
  url: string;
  /** Milliseconds of `performance.now()` by the number of the event. */
  receivedAt: Map<number, number>;
  requests: () => number;
  untilReceived(count: number): Promise<void>;
  close(): void;
}

async function startSink(): Promise<Sink> {
  const receivedAt = new Map<number, number>();
  let requests = 0;
  let check = () => {};
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      response.end();
      requests++;
      const at = Number(/number (\d+) of/.exec(body)?.[1]);
      if (!receivedAt.has(at)) receivedAt.set(at, performance.now());
      check();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    receivedAt,
    requests: () => requests,
    untilReceived: (wanted) =>
      new Promise((resolve) => {
        check = () => {
          if (receivedAt.size >= wanted) resolve();
        };
        check();
      }),
    close: () => server.close().closeAllConnections(),
  };
}

let runs = 0;

function eventNumber(number: number): FluxEvent {
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace,
      name: `app-${number % apps}`,
      uid: '7d0cdc51-ddcf-4743-b223-83ca5c699632',
    },
    severity: 'info',
    timestamp: new Date().toISOString(),
    message: `Reconciliation number ${number} of run ${runs} finished in 432 ms, next run in 10m0s`,
    reason: 'ReconciliationSucceeded',
    reportingController: 'kustomize-controller',
    reportingInstance: 'kustomize-controller-7d4f8c6b5-x2x9v',
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:69b59063470310ebbd88a915' },
  };
}

const publish = ({ bus }: Alerting, number: number) => {
  const event = eventNumber(number);
  const subject = eventSubject(bus.prefix, event);
  return bus.publish({ subject, data: event, id: `${runs}-${number}`, timeoutMs: 60_000 });
};

async function alertAll({ alert }: Alerting, address: string): Promise<void> {
  const names = Array.from({ length: apps }, (_, at) => `app-${at}`);
  for (let at = 0; at < providers; at++) {
    await alert(
      `service-${at}`,
      address,
      names.filter((_, app) => app % providers === at),
    );
  }
}

const publishAll = (alerting: Alerting, n: number) =>
  mapConcurrently(Array.from({ length: n }), publishing, (_, at) => publish(alerting, at));

/** Events a second. */
async function rate(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return (count * 1000) / (performance.now() - startedAt);
}

/** One stream, one consumer, one request for each message, and nothing else. */
async function baseline(alerting: Alerting): Promise<number> {
  runs++;
  const sink = await startSink();
  const { manager, jetstream, nats } = await alerting.bus.ready();
  await manager.streams.add({ name: 'BASELINE', subjects: ['baseline.>'] });
  await manager.consumers.add('BASELINE', {
    durable_name: 'baseline',
    ack_policy: AckPolicy.Explicit,
  });
  const agent = new Agent({ connections: 4 * providers });
  const consumer = await jetstream.consumers.get('BASELINE', 'baseline');
  const messages = await consumer.consume({ max_messages: 256 });
  const posting = (async () => {
    for await (const message of messages) {
      void (async () => {
        const posted = await request(sink.url, {
          method: 'POST',
          body: message.data,
          dispatcher: agent,
        });
        await posted.body.dump();
        message.ack();
      })();
    }
  })();
  const got = await rate(async () => {
    const all = mapConcurrently(Array.from({ length: count }), publishing, (_, at) =>
      jetstream.publish(`baseline.${at % apps}`, JSON.stringify(eventNumber(at)), {
        timeout: 60_000,
      }),
    );
    await Promise.all([all, sink.untilReceived(count)]);
  });
  await messages.close();
  await posting;
  await nats.flush();
  await agent.close();
  await manager.streams.delete('BASELINE');
  sink.close();
  return got;
}

const processOf = ({ processes }: Controllers): ControllerProcess =>
  processes['notification-controller'];

async function throughput(alerting: Alerting, replicas: readonly Controllers[], base: number) {
  runs++;
  const sink = await startSink();
  await alertAll(alerting, sink.url);
  await warmUp(alerting, sink);
  runs++;
  sink.receivedAt.clear();
  const before = sink.requests();
  const cpu = async () => {
    const used = await Promise.all(replicas.map((replica) => processOf(replica).usage()));
    return used.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  };
  const cpuBefore = await cpu();
  const natsBefore = (await usageOf(alerting.nats.pid)).cpuSeconds;
  const got = await rate(async () => {
    await Promise.all([publishAll(alerting, count), sink.untilReceived(count)]);
  });
  const used = (await cpu()) - cpuBefore;
  const nats = (await usageOf(alerting.nats.pid)).cpuSeconds - natsBefore;
  const more = sink.requests() - before - count;
  console.log(
    `${replicas.length} replica(s): ${got.toFixed(0)} events/s, ${(base / got).toFixed(2)} × the baseline's time (${base.toFixed(0)} events/s); ${((used * 1000) / count).toFixed(2)} ms CPU an event, NATS ${((nats * 1000) / count).toFixed(2)} ms; ${more} duplicates; load ${loadavg()[0]?.toFixed(1)}`,
  );
  sink.close();
}

/** The replicas have seen the Provider's address, and compiled what runs often. */
async function warmUp(alerting: Alerting, sink: Sink): Promise<void> {
  await delay(500);
  await publishAll(alerting, 500);
  await sink.untilReceived(500);
}

async function latency(alerting: Alerting): Promise<void> {
  runs++;
  const sink = await startSink();
  await alertAll(alerting, sink.url);
  await warmUp(alerting, sink);
  runs++;
  sink.receivedAt.clear();
  const n = 1_000;
  const sentAt: number[] = [];
  const sending: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < n; at++) {
    await delay(Math.max(0, startedAt + at * 10 - performance.now()));
    sentAt.push(performance.now());
    sending.push(publish(alerting, at));
  }
  await Promise.all(sending);
  await sink.untilReceived(n);
  const times = sentAt.map((sent, at) => (sink.receivedAt.get(at) ?? Number.NaN) - sent);
  console.log(
    `100 events/s: p50 ${percentile(times, 50).toFixed(1)} ms, p95 ${percentile(times, 95).toFixed(1)} ms, p99 ${percentile(times, 99).toFixed(1)} ms; load ${loadavg()[0]?.toFixed(1)}`,
  );
  sink.close();
}

async function memory(alerting: Alerting, replica: Controllers): Promise<void> {
  runs++;
  const { manager } = await alerting.bus.ready();
  const deliveries = streamName(alerting.bus.prefix, 'deliveries');
  const events = streamName(alerting.bus.prefix, 'events');
  await alertAll(alerting, 'http://127.0.0.1:9');
  await delay(500);
  await publishAll(alerting, queued);
  const durable = 'notification-controller';
  for (;;) {
    const { num_pending, num_ack_pending } = await manager.consumers.info(events, durable);
    if (num_pending + num_ack_pending === 0) break;
    await delay(500);
  }
  const { state } = await manager.streams.info(deliveries);
  const { peakRssMiB } = await processOf(replica).usage();
  console.log(
    `${queued} events for a dead service: ${state.messages} deliveries wait in ${(state.bytes / 1024 / 1024).toFixed(0)} MiB of the stream, ${peakRssMiB.toFixed(0)} MiB resident at most; load ${loadavg()[0]?.toFixed(1)}`,
  );
}

const wants = (part: string) => part.includes(only);

await withAlerting(async (alerting) => {
  const base = wants('throughput') ? await baseline(alerting) : Number.NaN;
  const first = await alerting.controller();
  if (wants('latency')) await latency(alerting);
  if (wants('throughput')) {
    await throughput(alerting, [first], base);
    const second = await alerting.controller();
    await throughput(alerting, [first, second], base);
    await processOf(second).stop();
  }
  if (wants('memory')) await memory(alerting, first);
});
