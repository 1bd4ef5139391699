// npm run bench -- drift [--n 250] [--edits 100]: from an edit by hand of one of the four objects of N applications to
// its undoing, one after the other and all at once, and the memory of the controller. The baseline is a patch and the
// watch's news of it in the same run.
import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { createFleet } from './fleet.ts';
import { argument, type Bench, percentile, withBench } from './setup.ts';

const count = Number(argument('n', '250'));
const edits = Math.min(count, Number(argument('edits', '100')));
const namespace = 'drift';
const timeoutMs = 60_000;
const deployments = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

type Deployment = KubeObject & { spec: { replicas: number; paused?: boolean } };

/**
 * Edits a Deployment and waits for what is wanted of it.
 *
 * @returns milliseconds
 */
async function edit(
  bench: Bench,
  name: string,
  { spec, isDone }: { spec: object; isDone: (object: Deployment) => boolean },
): Promise<number> {
  const key = { namespace, name };
  const before = (await bench.client.get(deployments, key)).metadata.generation ?? 0;
  const wanted = until<Deployment>(
    bench.client,
    deployments,
    key,
    (object) => (object.metadata.generation ?? 0) > before && isDone(object),
    { timeoutMs },
  );
  const started = performance.now();
  const options = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await bench.client.patch(deployments, key, { spec }, options);
  await wanted;
  return performance.now() - started;
}

const scale = { spec: { replicas: 1 }, isDone: ({ spec }: Deployment) => spec.replicas === 0 };
const settle = {
  spec: { minReadySeconds: 1 },
  isDone: () => true,
};

function report(title: string, times: number[], baseline: number[]): void {
  const [p50, p95, base] = [percentile(times, 50), percentile(times, 95), percentile(baseline, 50)];
  console.log(
    `${title}: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms of ${times.length}; ${(p50 / base).toFixed(1)} × a patch and its news (p50 ${base.toFixed(0)} ms)`,
  );
}

await withBench(async (bench) => {
  const fleet = await createFleet(bench, { count, namespace });
  const controllers = await bench.controllers({ 'kustomize-controller': ['--concurrent=20'] });
  console.log(`Waiting for ${count} Kustomizations of four objects to be Ready`);
  await fleet.install();
  const names = fleet.names.slice(0, edits);
  const usage = () => controllers.processes['kustomize-controller'].usage();
  const before = await usage();
  const baseline: number[] = [];
  for (const name of names.slice(0, 20)) baseline.push(await edit(bench, name, settle));
  console.log(`Editing ${names.length} objects, one after the other, then ${edits} at once`);
  const one: number[] = [];
  for (const name of names) one.push(await edit(bench, name, scale));
  report(`drift → healed, one of ${4 * count} objects at a time`, one, baseline);
  // Others than before: who edits the same object again is held back on purpose.
  const others = fleet.names.slice(-edits);
  const all = await Promise.all(others.map((name) => edit(bench, name, scale)));
  report(`drift → healed, ${others.length} objects at once`, all, baseline);
  const after = await usage();
  console.log(
    `kustomize-controller: ${(after.cpuSeconds - before.cpuSeconds).toFixed(1)} s CPU for ${one.length + all.length} corrections, ${after.peakRssMiB.toFixed(0)} MiB peak with ${4 * count} managed objects`,
  );
});
