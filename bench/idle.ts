// npm run bench -- idle [--kind helm] [--n 500] [--minutes 3]: what N HelmReleases cost that do not change, at an
// interval of a minute. The baseline is the CPU time that the same controllers use with nothing to reconcile.
import { setTimeout } from 'node:timers/promises';
import { type Controllers, usageOf } from '@sluice/testing';
import { tenant } from './apps.ts';
import { benchHelmIdle } from './mttp-helm.ts';
import { argument, withBench } from './setup.ts';

const count = Number(argument('n', '500'));
const minutes = Number(argument('minutes', '3'));
const minuteMs = 60_000;
const controller = 'helm-controller';

async function metricsOf(controllers: Controllers): Promise<string> {
  return (await fetch(controllers.processes[controller].metricsUrl)).text();
}

/** Sum of all samples of a counter. */
function sumOf(metrics: string, name: string): number {
  const samples = metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function sample(controllers: Controllers) {
  const metrics = await metricsOf(controllers);
  const { cpuSeconds, peakRssMiB } = await usageOf(controllers.processes[controller].pid);
  return {
    cpuSeconds,
    peakRssMiB,
    requests: sumOf(metrics, 'rest_client_requests_total'),
    unchanged: sumOf(metrics, 'sluice_helm_unchanged_total'),
    programs: sumOf(metrics, 'sluice_helm_renderings_total'),
  };
}

/** CPU seconds, requests and the like in a minute. */
async function perMinute(controllers: Controllers, during: number) {
  const before = await sample(controllers);
  await setTimeout(during * minuteMs);
  const after = await sample(controllers);
  const rate = (name: keyof typeof before) => (after[name] - before[name]) / during;
  return {
    cpu: rate('cpuSeconds'),
    requests: rate('requests'),
    unchanged: rate('unchanged'),
    programs: rate('programs'),
    peakRssMiB: after.peakRssMiB,
  };
}

await withBench(async (bench) => {
  await bench.apply(tenant('apps'));
  const controllers = await bench.controllers({ [controller]: ['--concurrent=10'] });
  const empty = await perMinute(controllers, 1);
  const names = Array.from({ length: count }, (_, at) => `app-${at}`);
  await benchHelmIdle(bench, { names, interval: '1m' });
  // What was just released is looked at once more by its own interval.
  await setTimeout(minuteMs);
  const idle = await perMinute(controllers, minutes);
  console.log(
    `${count} idle HelmReleases at an interval of a minute: ${idle.cpu.toFixed(2)} s CPU a minute, ${(idle.cpu / empty.cpu).toFixed(1)} × that of none (${empty.cpu.toFixed(2)} s); ${idle.requests.toFixed(0)} API requests a minute (none: ${empty.requests.toFixed(0)}); ${idle.unchanged.toFixed(0)} reconciles a minute; programs started: ${idle.programs}; ${idle.peakRssMiB.toFixed(0)} MiB peak`,
  );
});
