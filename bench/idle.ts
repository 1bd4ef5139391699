// npm run bench -- idle [--kind helm] [--n 500] [--minutes 3] [--flux]: what N Kustomizations, or HelmReleases, cost that
// do not change, at an interval of a minute. The baseline is the CPU time that the same controllers use with nothing to
// reconcile; with `--flux`, the same with Flux's own controllers.
import { setTimeout } from 'node:timers/promises';
import { helmReleaseKind, type KindDefinition, kustomizationKind } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { tenant } from './apps.ts';
import { type Contestant, withContestants } from './contestants.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { type Measured, scrape, sumOf } from './measure.ts';
import { benchHelmIdle } from './mttp-helm.ts';
import { argument, type Bench } from './setup.ts';

const count = Number(argument('n', '500'));
const minutes = Number(argument('minutes', '3'));
const kind = argument('kind', 'kustomization') === 'helm' ? 'HelmRelease' : 'Kustomization';
const namespace = 'apps';
const interval = '1m';
const minuteMs = 60_000;

type Counter = 'requests' | 'reconciles' | 'unchanged' | 'programs' | 'builds';
/** Counters of all controllers, whoever has them. */
const counters: Record<Counter, readonly [name: string, label?: string]> = {
  requests: ['rest_client_requests_total'],
  reconciles: ['controller_runtime_reconcile_total'],
  unchanged: ['sluice_helm_unchanged_total'],
  programs: ['sluice_helm_renderings_total'],
  builds: ['sluice_kustomize_builds_total', 'result="built"'],
};
type Sample = Record<Counter | 'cpu' | 'peakRssMiB', number>;

async function sample({ processes }: Measured): Promise<Sample> {
  const found: Sample = { cpu: 0, peakRssMiB: 0, ...zeros };
  for (const process of Object.values(processes)) {
    const metrics = await scrape(process.metricsUrl);
    const { cpuSeconds, peakRssMiB } = await process.usage();
    found.cpu += cpuSeconds;
    found.peakRssMiB += peakRssMiB;
    for (const name of names) found[name] += sumOf(metrics, ...counters[name]);
  }
  return found;
}

const names = Object.keys(counters) as Counter[];
const zeros = Object.fromEntries(names.map((name) => [name, 0])) as Record<Counter, number>;

/** CPU seconds, requests and the like in a minute; the peak of memory as it is. */
async function perMinute(measured: Measured, during: number): Promise<Sample> {
  const before = await sample(measured);
  await setTimeout(during * minuteMs);
  const after = await sample(measured);
  const rates = Object.entries(after).map(([name, value]) => [
    name,
    (value - before[name as keyof Sample]) / during,
  ]);
  return { ...Object.fromEntries(rates), peakRssMiB: after.peakRssMiB };
}

/**
 * Deploys everything with a long interval, and only then shortens it: a contestant that falls behind its intervals would
 * not get everything Ready.
 */
async function deploy(bench: Bench, fleet: Fleet): Promise<void> {
  const isHelm = kind === 'HelmRelease';
  await (isHelm ? benchHelmIdle(bench, fleet.names) : fleet.install());
  const resource = resourceOf((isHelm ? helmReleaseKind : kustomizationKind) as KindDefinition);
  await mapConcurrently(fleet.names, 20, (name) =>
    bench.client.patch(resource, { name, namespace }, { spec: { interval } }, { type: 'merge' }),
  );
}

async function benchIdle(bench: Bench, { name, start }: Contestant): Promise<Sample> {
  await bench.apply(tenant(namespace));
  const fleet = await createFleet(bench, { count, namespace });
  const controllers = await start();
  console.log(`${name}: measuring a minute with nothing to reconcile`);
  const empty = await perMinute(controllers, 1);
  console.log(`${name}: waiting for ${count} ${kind}s to be Ready`);
  await deploy(bench, fleet);
  console.log(`${name}: all are Ready; waiting a minute, then measuring ${minutes}`);
  await setTimeout(minuteMs);
  const idle = await perMinute(controllers, minutes);
  const counts = names.map((what) => `${idle[what].toFixed(0)} ${what}`).join(', ');
  console.log(
    `${name}: ${count} ${kind}s at an interval of a minute: ${idle.cpu.toFixed(2)} s CPU a minute of all controllers, ${(idle.cpu / empty.cpu).toFixed(1)} × that of none (${empty.cpu.toFixed(2)} s); a minute: ${counts} (none: ${empty.requests.toFixed(0)} requests); ${idle.peakRssMiB.toFixed(0)} MiB peak in sum`,
  );
  return idle;
}

const { Sluice: ours, Flux: theirs } = await withContestants(benchIdle);
if (ours && theirs)
  console.log(
    `Sluice / Flux: CPU ${(ours.cpu / theirs.cpu).toFixed(2)}, requests ${(ours.requests / theirs.requests).toFixed(2)}`,
  );
