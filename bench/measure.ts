import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, createInformer } from '@sluice/shared/kube';
import { type Usage, usageOf } from '@sluice/testing';
import type { Bench } from './setup.ts';

const timeoutMs = 20 * 60_000;
/** Time without progress after which a bench says what it waits for. */
const stallMs = 15_000;

/**
 * Resolves when so many objects of a namespace are as wanted.
 *
 * Says what it waits for when nothing becomes so for a while.
 *
 * @throws Error with the status of one that is not, after 20 minutes
 */
export async function untilAll<T extends KubeObject>(
  bench: Bench,
  o: { resource: ApiResource; namespace: string; count: number; isDone: (object: T) => boolean },
): Promise<void> {
  const informer = createInformer<T>({ client: bench.client, ...o });
  const ready = new Set<string>();
  const done = Promise.withResolvers<void>();
  const progress = () => {
    const first = informer.list().find((object) => !ready.has(object.metadata.name));
    const shown = JSON.stringify((first as { status?: unknown })?.status);
    return `${ready.size} of ${o.count} Ready; ${first?.metadata.name}: ${shown}`;
  };
  const timer = setTimeout(() => done.reject(new Error(progress())), timeoutMs);
  const stall = setTimeout(() => console.log(`Waiting: ${progress()}`), stallMs);
  informer.onEvent(({ object }) => {
    if (ready.has(object.metadata.name) || !o.isDone(object)) return;
    ready.add(object.metadata.name);
    stall.refresh();
    if (ready.size === o.count) done.resolve();
  });
  informer.start();
  await done.promise.finally(() => {
    clearTimeout(timer);
    clearTimeout(stall);
    return informer.stop();
  });
}

/** A process of which something is measured. */
export interface MeasuredProcess {
  readonly name: string;
  readonly metricsUrl: string;
  readonly pid: number | undefined;
  usage(): Promise<Usage>;
}

/** Processes that do the work, by name. */
export interface Measured {
  processes: Record<string, MeasuredProcess>;
}

/** What a run has cost a process that did work. */
export interface ProcessCost {
  cpuSeconds: number;
  /** Of resident memory; pages that processes share count for each of them. */
  peakRssMiB: number;
  /** Of memory that no other process shares. */
  peakAnonymousMiB: number;
}

/** What a run has cost the processes that did the work. */
export interface Cost {
  wallSeconds: number;
  /** By name. */
  processes: Record<string, ProcessCost>;
}

async function usage(controllers: Measured): Promise<Record<string, Usage>> {
  const entries = Object.entries(controllers.processes).map(async ([name, controller]) => [
    name,
    await controller.usage(),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/** CPU seconds of the control plane's servers so far, by name. */
async function controlPlaneUsage(bench: Bench): Promise<[string, number][]> {
  const pids = Object.entries(bench.controlPlane.pids);
  return Promise.all(
    pids.map(
      async ([name, pid]): Promise<[string, number]> => [name, (await usageOf(pid)).cpuSeconds],
    ),
  );
}

/** Milliseconds between two looks at memory whose peak the system does not keep. */
const lookMs = 100;

/** Returns the most anonymous memory that each process has while something runs, by name, in MiB. */
async function peakAnonymous(
  controllers: Measured,
  run: () => Promise<void>,
): Promise<Map<string, number>> {
  const peaks = new Map<string, number>();
  const look = async () => {
    for (const [name, { anonymousMiB }] of Object.entries(await usage(controllers)))
      peaks.set(name, Math.max(peaks.get(name) ?? 0, anonymousMiB));
  };
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      await look();
      await delay(lookMs);
    }
  })();
  try {
    await run();
  } finally {
    over.abort();
    await looking;
  }
  await look();
  return peaks;
}

/** Sums what some processes have cost. */
export function sumOfCosts({ processes }: Cost, names = Object.keys(processes)): ProcessCost {
  const sum = (of: keyof ProcessCost) =>
    names.reduce((total, name) => total + (processes[name]?.[of] ?? 0), 0);
  return {
    cpuSeconds: sum('cpuSeconds'),
    peakRssMiB: sum('peakRssMiB'),
    peakAnonymousMiB: sum('peakAnonymousMiB'),
  };
}

const described = ({ cpuSeconds, peakRssMiB, peakAnonymousMiB }: ProcessCost) =>
  `${cpuSeconds.toFixed(1)} s CPU, ${peakRssMiB.toFixed(0)} MiB peak, ${peakAnonymousMiB.toFixed(0)} of it anonymous`;

/** Prints wall time, CPU time and memory of a run against a baseline, and returns them. */
export async function measure(o: {
  /** What is run, such as `install: 100 oci apps`. */
  title: string;
  bench: Bench;
  controllers: Measured;
  baseline: { name: string; seconds: number };
  run: () => Promise<void>;
}): Promise<Cost> {
  const before = await usage(o.controllers);
  const serversBefore = new Map(await controlPlaneUsage(o.bench));
  const started = performance.now();
  let wallSeconds = 0;
  const anonymous = await peakAnonymous(o.controllers, async () => {
    await o.run();
    wallSeconds = (performance.now() - started) / 1000;
  });
  const after = await usage(o.controllers);
  const costs = Object.entries(after).map(([name, { cpuSeconds, peakRssMiB }]) => {
    const peakAnonymousMiB = anonymous.get(name) ?? 0;
    const used = cpuSeconds - (before[name]?.cpuSeconds ?? 0);
    return [name, { cpuSeconds: used, peakRssMiB, peakAnonymousMiB }] as const;
  });
  const servers = (await controlPlaneUsage(o.bench)).map(
    ([name, seconds]) => `${name} ${(seconds - (serversBefore.get(name) ?? 0)).toFixed(1)} s`,
  );
  const cost = { wallSeconds, processes: Object.fromEntries(costs) };
  const parts = costs.map(([name, each]) => `${name} ${described(each)}`);
  const { name, seconds } = o.baseline;
  console.log(
    `${o.title} in ${wallSeconds.toFixed(2)} s, ${(wallSeconds / seconds).toFixed(2)} × ${name} (${seconds.toFixed(2)} s); in sum ${described(sumOfCosts(cost))} (${parts.join('; ')}); control plane CPU: ${servers.join(', ')}`,
  );
  return cost;
}

/** Milliseconds for an answer at /metrics. */
const scrapeMs = 30_000;

/** Returns what a process tells at /metrics. */
export async function scrape(metricsUrl: string): Promise<string> {
  return (await fetch(metricsUrl, { signal: AbortSignal.timeout(scrapeMs) })).text();
}

/** Sum of all samples of a counter in the text of /metrics, of those whose labels have the text. */
export function sumOf(metrics: string, name: string, label = ''): number {
  const samples = metrics.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)`, 'gm'));
  return [...samples]
    .filter(([, labels = '']) => labels.includes(label))
    .reduce((sum, [, , value]) => sum + Number(value), 0);
}

/** Requests to the API server so far, by method and status, from each controller's metrics. */
export async function apiRequests(controllers: Measured): Promise<string> {
  const lines = Object.values(controllers.processes).map(async ({ name, metricsUrl }) => {
    const text = await scrape(metricsUrl);
    const counts = [...text.matchAll(/^rest_client_requests_total\{(.*)\} (\d+)/gm)].map(
      ([, labels, count]) => `${labels?.replaceAll(/\w+=|"/g, '')} ${count}`,
    );
    return `${name}: ${counts.join(', ')}`;
  });
  return (await Promise.all(lines)).join('; ');
}
