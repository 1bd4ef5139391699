// npm run bench -- mttp [--n 100] [--source oci|git]: time until N Kustomizations are Ready, installed and then
// upgraded. The baseline is `kubectl apply --server-side` of the same objects in the same run.
// With `--kind helm`: the same for N HelmReleases; the baseline is a loop of the helm program. With `--flux`: all of it
// once more with Flux's own controllers, and the ratios. With `--requests`: every request to the API server that an
// application takes, by client, verb and resource; the audit log that this needs costs time. With `--floor`: first, what
// is the least that the same would take if controllers took no time (`mttp-floor.ts`).
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
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import type { GitRepository } from '@sluice/testing';
import { create } from 'tar';
import { appFiles, appKustomization, appObjects, tenant } from './apps.ts';
import { type Contestant, compareCosts, withContestants } from './contestants.ts';
import { kubectlApply } from './kubectl.ts';
import { apiRequests, type Cost, measure, untilAll } from './measure.ts';
import { runFloor } from './mttp-floor.ts';
import { benchHelm } from './mttp-helm.ts';
import { countsRequests, requestTables } from './requests.ts';
import { argument, type Bench, isAsked, withBench } from './setup.ts';

const namespace = 'apps';
const source = argument('source', 'oci') as 'oci' | 'git';
const names = Array.from({ length: Number(argument('n', '100')) }, (_, at) => `app-${at}`);
const layerMediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const configMediaType = 'application/vnd.cncf.flux.config.v1+json';

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
function untilAllReady(bench: Bench, revision: string): Promise<void> {
  return untilAll<Kustomization>(bench, {
    resource: resourceOf(kustomizationKind),
    namespace,
    count: names.length,
    isDone: (object) =>
      isReady(object) && (object.status?.lastAppliedRevision ?? '').includes(revision),
  });
}

async function kubectlSeconds(bench: Bench, version: string): Promise<number> {
  const { kubeconfigPath } = bench.controlPlane;
  const objects = names.flatMap((name) => appObjects(name, version, 'baseline'));
  return (await kubectlApply({ kubeconfigPath, dir: bench.dir, objects })) / 1000;
}

const kustomizations = names.map((name) =>
  appKustomization({
    name,
    namespace,
    sourceKind: source === 'oci' ? 'OCIRepository' : 'GitRepository',
    sourceName: source === 'oci' ? name : 'apps',
    path: source === 'oci' ? './' : `./${name}`,
  }),
);

/** Makes the place for applications, and the first version of them. */
async function prepare(bench: Bench): Promise<Publisher> {
  const publisher =
    source === 'oci'
      ? ociPublisher(bench)
      : gitPublisher(bench, await bench.git.createRepo('apps'));
  await bench.apply([...tenant(namespace), ...tenant('baseline')]);
  await publisher.publish('1.0.0');
  return publisher;
}

async function benchKustomizations(
  bench: Bench,
  { name: contestant, start }: Contestant,
): Promise<Record<string, Cost>> {
  const publisher = await prepare(bench);
  const baselineInstall = await kubectlSeconds(bench, '1.0.0');
  const baselineUpgrade = await kubectlSeconds(bench, '2.0.0');
  const controllers = await start();
  const table = await requestTables(bench, names.length);
  const install = await measure({
    title: `${contestant}, install: ${names.length} ${source} apps`,
    bench,
    controllers,
    baseline: { name: 'kubectl apply', seconds: baselineInstall },
    run: async () => {
      const ready = untilAllReady(bench, '');
      await bench.apply([...publisher.objects(), ...kustomizations]);
      await ready;
    },
  });
  await table(`${contestant}, install`);
  await publisher.publish('2.0.0');
  const upgrade = await measure({
    title: `${contestant}, upgrade: ${names.length} ${source} apps`,
    bench,
    controllers,
    baseline: { name: 'kubectl apply', seconds: baselineUpgrade },
    run: async () => untilAllReady(bench, await publisher.roll('2.0.0')),
  });
  await table(`${contestant}, upgrade`);
  console.log(`API requests in all: ${await apiRequests(controllers)}`);
  return { install, upgrade };
}

/** Measures the least that has to be done. */
async function benchFloor(bench: Bench): Promise<void> {
  const publisher = await prepare(bench);
  const step = async (name: string, version: string, before: () => Promise<unknown>) => {
    const seconds = await kubectlSeconds(bench, version);
    await measure({
      title: `Without controllers, ${name}: ${names.length} ${source} apps`,
      bench,
      controllers: { processes: {} },
      baseline: { name: 'kubectl apply', seconds },
      run: async () => {
        const ready = untilAllReady(bench, version);
        await before();
        const isUpgrade = name === 'upgrade';
        await runFloor(bench, { names, namespace, source, version, isUpgrade });
        await ready;
      },
    });
  };
  await step('install', '1.0.0', () => bench.apply([...publisher.objects(), ...kustomizations]));
  await step('upgrade', '2.0.0', () => publisher.roll('2.0.0'));
}

async function run(bench: Bench, contestant: Contestant): Promise<Record<string, Cost>> {
  if (argument('kind', 'kustomization') !== 'helm') return benchKustomizations(bench, contestant);
  await bench.apply([...tenant(namespace), ...tenant('baseline')]);
  return benchHelm(bench, { names, contestant });
}

if (isAsked('floor')) await withBench(benchFloor);

compareCosts(await withContestants(run, { audit: countsRequests }));
