// npm run bench -- receivers [--rate 500] [--seconds 20]: webhooks of every kind at a fixed rate, and how long they are
// answered in. The baseline is Node's server, which reads the same webhooks and does nothing.
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject, Receiver } from '@sluice/shared/api';
import { receiverKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until } from '@sluice/testing';
import { Pool } from 'undici';
import { serve } from './attack-parts.ts';
import { type Traffic, token, traffic } from './receivers-traffic.ts';
import { argument, percentile, withBench } from './setup.ts';

const rate = Number(argument('rate', '500'));
const seconds = Number(argument('seconds', '20'));
const namespace = 'receivers';
const metadata = { name: 'shop', namespace };
const batchMs = 20;

interface Result {
  ms: number[];
  statuses: Map<number, number>;
}

const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { token } },
  {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata,
    spec: { interval: '1h', url: 'https://git.example.com/shop', suspend: true },
  },
  {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata,
    spec: {
      type: 'github',
      events: ['push'],
      secretRef: { name: 'shop' },
      resources: [{ kind: 'GitRepository', name: 'shop' }],
    },
  },
] as unknown as KubeObject[];

/** The kinds of requests in turn, each as often as its share says, spread evenly. */
function* turns(): Generator<Traffic> {
  const due = new Map(traffic.map((kind) => [kind, 0]));
  for (;;) {
    for (const kind of traffic) due.set(kind, (due.get(kind) ?? 0) + kind.share / 100);
    const [next] = [...due].toSorted(([, a], [, b]) => b - a)[0] as [Traffic, number];
    due.set(next, (due.get(next) ?? 0) - 1);
    yield next;
  }
}

/** Sends at the rate whether or not the server keeps up; latency counts from when a request was due. */
async function load(url: string, path: string): Promise<Map<Traffic, Result>> {
  const origin = new URL(url);
  const pool = new Pool(origin, { connections: 256 });
  const results = new Map(
    traffic.map((kind): [Traffic, Result] => [kind, { ms: [], statuses: new Map() }]),
  );
  const next = turns();
  const running: Promise<void>[] = [];
  const send = async (kind: Traffic, dueAt: number) => {
    const status = await kind.send(origin, path, pool).catch(() => 0);
    const result = results.get(kind) as Result;
    result.ms.push(performance.now() - dueAt);
    result.statuses.set(status, (result.statuses.get(status) ?? 0) + 1);
  };
  const startedAt = performance.now();
  for (let sent = 0; sent < rate * seconds; ) {
    const due = Math.min(rate * seconds, ((performance.now() - startedAt) / 1000) * rate);
    for (; sent < due; sent++) {
      running.push(send(next.next().value as Traffic, startedAt + (sent / rate) * 1000));
    }
    await delay(batchMs);
  }
  await Promise.all(running);
  await pool.close();
  return results;
}

const round = (value: number) => value.toFixed(1).padStart(8);

function print(ours: Map<Traffic, Result>, bare: Map<Traffic, Result>): void {
  console.log(
    `${' '.repeat(40)}     p50      p95      p99   bare p50      p95      p99  ratio p95`,
  );
  for (const kind of traffic) {
    const of = ours.get(kind) as Result;
    const base = bare.get(kind) as Result;
    const figures = [50, 95, 99].map((p) => percentile(of.ms, p));
    const baseline = [50, 95, 99].map((p) => percentile(base.ms, p));
    const statuses = [...of.statuses].map(([status, count]) => `${count} × ${status || 'closed'}`);
    const ratio = (figures[1] ?? 0) / (baseline[1] ?? 1);
    console.log(
      `${kind.name.padEnd(40)}${figures.map(round).join(' ')}   ${baseline.map(round).join(' ')}   ${round(ratio)}   ${statuses.join(', ')}`,
    );
  }
}

await withBench(async (bench) => {
  const controllers = await bench.controllers({}, ['notification-controller']);
  await bench.apply(objects);
  const receiver = await until<Receiver>(bench.client, resourceOf(receiverKind), metadata, isReady);
  const path = receiver.status?.webhookPath ?? '';
  const controller = controllers.processes['notification-controller'];
  const before = await controller.usage();
  const baseline = await serve('receivers-baseline.ts');
  const bare = await load(baseline.url, path);
  baseline.stop();
  const ours = await load(controllers.receiverUrl, path);
  const after = await controller.usage();
  console.log(`${rate} requests a second for ${seconds} s, milliseconds:`);
  print(ours, bare);
  const cpu = after.cpuSeconds - before.cpuSeconds;
  console.log(
    `notification-controller: ${before.peakRssMiB.toFixed(0)} MiB before, ${after.peakRssMiB.toFixed(0)} MiB at most; ${((cpu / seconds) * 100).toFixed(0)} % of a core`,
  );
});
