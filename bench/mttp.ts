// npm run bench -- mttp [--n 100] [--source oci|git]: time until N Kustomizations are Ready, installed and then
// upgraded. The baseline is `kubectl apply --server-side` of the same objects in the same run.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import {
  gitRepositoryKind,
  kustomizationKind,
  ociRepositoryKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { createInformer, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { type Controllers, type GitRepository, type Usage, usageOf } from '@sluice/shared/testing';
import { create } from 'tar';
import { appFiles, appKustomization, appObjects, tenant } from './apps.ts';
import { kubectlApply } from './kubectl.ts';
import { argument, type Bench, withBench } from './setup.ts';

const namespace = 'apps';
const count = Number(argument('n', '100'));
const source = argument('source', 'oci') as 'oci' | 'git';
const names = Array.from({ length: count }, (_, at) => `app-${at}`);
const timeoutMs = 20 * 60_000;
const layerMediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const configMediaType = 'application/vnd.cncf.flux.config.v1+json';
const concurrency: Record<string, string[]> = {
  'source-controller': ['--concurrent=10'],
  'kustomize-controller': ['--concurrent=20'],
};

/** How a version of all applications is published, and how the cluster is told of it. */
interface Publisher {
  objects(): KubeObject[];
  publish(version: string): Promise<void>;
  /** Moves the cluster to a published version; returns what every revision must contain then. */
  roll(version: string): Promise<string>;
}

function ociPublisher(bench: Bench): Publisher {
  const archive = async (app: string, version: string) => {
    const dir = join(bench.dir, 'layers', `${app}-${version}`);
    await mkdir(dir, { recursive: true });
    for (const [name, text] of Object.entries(appFiles(app, version)))
      await writeFile(join(dir, name), text);
    const chunks: Buffer[] = [];
    for await (const chunk of create({ gzip: true, cwd: dir, portable: true }, ['.']))
      chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  return {
    objects: () =>
      names.map(
        (name) =>
          ({
            apiVersion: 'source.toolkit.fluxcd.io/v1',
            kind: 'OCIRepository',
            metadata: { name, namespace },
            spec: {
              interval: '1h',
              url: `${bench.registry.ociUrl}/${name}`,
              insecure: true,
              ref: { tag: '1.0.0' },
            },
          }) as KubeObject,
      ),
    async publish(version) {
      await mapConcurrently(names, 8, async (repository) => {
        const layers = [{ mediaType: layerMediaType, data: await archive(repository, version) }];
        await bench.registry.pushArtifact({ repository, tag: version, configMediaType, layers });
      });
    },
    async roll(version) {
      const resource = resourceOf(ociRepositoryKind);
      await mapConcurrently(names, 20, (name) =>
        bench.client.patch(
          resource,
          { name, namespace },
          { spec: { ref: { tag: version } } },
          { type: 'merge' },
        ),
      );
      return version;
    },
  };
}

function gitPublisher(bench: Bench, repo: GitRepository): Publisher {
  const resource = resourceOf(gitRepositoryKind);
  return {
    objects: () => [
      {
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name: 'apps', namespace },
        spec: { interval: '1h', url: bench.git.url('apps'), ref: { branch: 'main' } },
      } as KubeObject,
    ],
    async publish(version) {
      const files = names.flatMap((name) =>
        Object.entries(appFiles(name, version)).map(([file, text]) => [`${name}/${file}`, text]),
      );
      await repo.commit({ files: Object.fromEntries(files), message: version });
    },
    async roll() {
      const annotations = { [reconcileRequestAnnotation]: new Date().toISOString() };
      await bench.client.patch(
        resource,
        { name: 'apps', namespace },
        { metadata: { annotations } },
        { type: 'merge' },
      );
      return repo.resolve('main');
    },
  };
}

/** Resolves when every Kustomization is Ready at a revision that contains the text. */
async function untilAllReady(bench: Bench, revision: string): Promise<void> {
  const informer = createInformer<Kustomization>({
    client: bench.client,
    resource: resourceOf(kustomizationKind),
    namespace,
  });
  const ready = new Set<string>();
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(
    () =>
      done.reject(
        new Error(`${ready.size} of ${count} Ready: ${describeFirst(informer.list(), ready)}`),
      ),
    timeoutMs,
  );
  informer.onEvent(({ object }) => {
    const isApplied = (object.status?.lastAppliedRevision ?? '').includes(revision);
    if (isApplied && isReady(object)) ready.add(object.metadata.name);
    if (ready.size === count) done.resolve();
  });
  informer.start();
  await done.promise.finally(() => {
    clearTimeout(timer);
    return informer.stop();
  });
}

function describeFirst(all: Kustomization[], ready: Set<string>): string {
  const first = all.find((k) => !ready.has(k.metadata.name));
  return JSON.stringify(first?.status?.conditions);
}

async function kubectlSeconds(bench: Bench, version: string): Promise<number> {
  const { kubeconfigPath } = bench.controlPlane;
  const objects = names.flatMap((name) => appObjects(name, version, 'baseline'));
  return (await kubectlApply({ kubeconfigPath, dir: bench.dir, objects })) / 1000;
}

async function usage(controllers: Controllers): Promise<Record<string, Usage>> {
  const entries = Object.entries(controllers.processes).map(async ([name, controller]) => [
    name,
    await controller.usage(),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Requests to the API server so far, by method and status, from each controller's metrics. */
async function apiRequests(controllers: Controllers): Promise<string> {
  const lines = Object.values(controllers.processes).map(async ({ name, metricsUrl }) => {
    const text = await (await fetch(metricsUrl)).text();
    const counts = [...text.matchAll(/^rest_client_requests_total\{(.*)\} (\d+)/gm)].map(
      ([, labels, count]) => `${labels?.replaceAll(/\w+=|"/g, '')} ${count}`,
    );
    return `${name}: ${counts.join(', ')}`;
  });
  return (await Promise.all(lines)).join('; ');
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

async function measure(o: {
  phase: string;
  bench: Bench;
  controllers: Controllers;
  baseline: number;
  run: () => Promise<void>;
}): Promise<void> {
  const before = await usage(o.controllers);
  const serversBefore = new Map(await controlPlaneUsage(o.bench));
  const started = performance.now();
  await o.run();
  const wall = (performance.now() - started) / 1000;
  const after = await usage(o.controllers);
  const cpuOf = (name: string) => (after[name]?.cpuSeconds ?? 0) - (before[name]?.cpuSeconds ?? 0);
  const parts = Object.entries(after).map(
    ([name, used]) =>
      `${name} ${cpuOf(name).toFixed(1)} s CPU, ${used.peakRssMiB.toFixed(0)} MiB peak`,
  );
  const servers = (await controlPlaneUsage(o.bench)).map(
    ([name, seconds]) => `${name} ${(seconds - (serversBefore.get(name) ?? 0)).toFixed(1)} s`,
  );
  const cpu = Object.keys(after).reduce((sum, name) => sum + cpuOf(name), 0);
  const memory = Object.values(after).reduce((sum, used) => sum + used.peakRssMiB, 0);
  console.log(
    `${o.phase}: ${count} ${source} apps in ${wall.toFixed(2)} s, ${(wall / o.baseline).toFixed(2)} × kubectl apply (${o.baseline.toFixed(2)} s); ${cpu.toFixed(1)} s CPU, ${memory.toFixed(0)} MiB peak in sum (${parts.join('; ')}); control plane CPU: ${servers.join(', ')}`,
  );
}

await withBench(async (bench) => {
  const publisher =
    source === 'oci'
      ? ociPublisher(bench)
      : gitPublisher(bench, await bench.git.createRepo('apps'));
  await bench.apply([...tenant(namespace), ...tenant('baseline')]);
  await publisher.publish('1.0.0');
  const baselineInstall = await kubectlSeconds(bench, '1.0.0');
  const baselineUpgrade = await kubectlSeconds(bench, '2.0.0');
  const controllers = await bench.controllers(concurrency);
  const kustomizations = names.map((name) =>
    appKustomization({
      name,
      namespace,
      sourceKind: source === 'oci' ? 'OCIRepository' : 'GitRepository',
      sourceName: source === 'oci' ? name : 'apps',
      path: source === 'oci' ? './' : `./${name}`,
    }),
  );
  await measure({
    phase: 'install',
    bench,
    controllers,
    baseline: baselineInstall,
    run: async () => {
      const ready = untilAllReady(bench, '');
      await bench.apply([...publisher.objects(), ...kustomizations]);
      await ready;
    },
  });
  await publisher.publish('2.0.0');
  await measure({
    phase: 'upgrade',
    bench,
    controllers,
    baseline: baselineUpgrade,
    run: async () => untilAllReady(bench, await publisher.roll('2.0.0')),
  });
  console.log(`API requests in all: ${await apiRequests(controllers)}`);
});
