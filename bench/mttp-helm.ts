import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  type HelmRelease,
  helmReleaseKind,
  type KubeObject,
  ociRepositoryKind,
} from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { toolPath } from '@sluice/testing';
import { chartFiles } from './apps.ts';
import type { Contestant } from './contestants.ts';
import { apiRequests, type Cost, measure, untilAll } from './measure.ts';
import { requestTables } from './requests.ts';
import type { Bench } from './setup.ts';

const run = promisify(execFile);
const namespace = 'apps';
const chartMediaType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const configMediaType = 'application/vnd.cncf.helm.config.v1+json';
/** Runs of helm at a time in the baseline. */
const loopWidth = 4;

/** Packages a version of the chart and pushes it; returns the path of the archive. */
async function publish(bench: Bench, version: string): Promise<string> {
  const dir = join(bench.dir, 'charts', version);
  for (const [name, text] of Object.entries(chartFiles(version))) {
    await mkdir(dirname(join(dir, 'web', name)), { recursive: true });
    await writeFile(join(dir, 'web', name), text);
  }
  await run(toolPath('helm'), ['package', join(dir, 'web'), '-d', dir], { env: { HOME: dir } });
  const archive = join(dir, `web-${version}.tgz`);
  const layers = [{ mediaType: chartMediaType, data: await readFile(archive) }];
  await bench.registry.pushArtifact({ repository: 'web', tag: version, configMediaType, layers });
  return archive;
}

const repository = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'OCIRepository',
  metadata: { name: 'web', namespace },
};

function repositoryOf(bench: Bench): KubeObject {
  return {
    ...repository,
    spec: {
      interval: '1h',
      url: `${bench.registry.ociUrl}/web`,
      insecure: true,
      ref: { tag: '1.0.0' },
      layerSelector: { mediaType: chartMediaType, operation: 'copy' },
    },
  } as KubeObject;
}

/** A HelmRelease of the chart through a tenant's ServiceAccount. */
function releaseOf(name: string): KubeObject {
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name, namespace },
    spec: {
      interval: '1h',
      releaseName: name,
      chartRef: { kind: 'OCIRepository', name: 'web' },
      serviceAccountName: 'reconciler',
      targetNamespace: namespace,
      driftDetection: { mode: 'enabled' },
      values: { host: `${name}.example.com` },
    },
  } as KubeObject;
}

/** Runs `helm upgrade --install` for every release, four at a time; returns the seconds that took. */
async function helmLoop(bench: Bench, names: string[], archive: string): Promise<number> {
  const env = { KUBECONFIG: bench.controlPlane.kubeconfigPath, HOME: bench.dir };
  const started = performance.now();
  await mapConcurrently(names, loopWidth, async (name) => {
    const args = ['upgrade', '--install', name, archive, '--namespace', 'baseline', '--wait'];
    await run(toolPath('helm'), [...args, '--set', `host=${name}.example.com`], { env });
  });
  return (performance.now() - started) / 1000;
}

const releases = resourceOf(helmReleaseKind);

function untilReleased(bench: Bench, count: number, version: string): Promise<void> {
  return untilAll<HelmRelease>(bench, {
    resource: releases,
    namespace,
    count,
    isDone: (object) =>
      isReady(object) && (object.status?.history?.[0]?.chartVersion ?? '').startsWith(version),
  });
}

/** Installs one chart many times and upgrades it, against a loop of the helm program. */
export async function benchHelm(
  bench: Bench,
  o: { names: string[]; contestant: Contestant },
): Promise<Record<string, Cost>> {
  const { names, contestant } = o;
  const archives = [await publish(bench, '1.0.0'), await publish(bench, '2.0.0')];
  const seconds: number[] = [];
  for (const archive of archives) seconds.push(await helmLoop(bench, names, archive));
  const controllers = await contestant.start();
  const loop = 'a loop of helm upgrade --install';
  await bench.apply([repositoryOf(bench)]);
  const table = await requestTables(bench, names.length);
  const install = await measure({
    title: `${contestant.name}, install: ${names.length} releases of one chart`,
    bench,
    controllers,
    baseline: { name: loop, seconds: seconds[0] ?? 0 },
    run: async () => {
      const released = untilReleased(bench, names.length, '1.0.0');
      await bench.apply(names.map(releaseOf));
      await released;
    },
  });
  await table(`${contestant.name}, install`);
  const upgrade = await measure({
    title: `${contestant.name}, upgrade: ${names.length} releases of one chart`,
    bench,
    controllers,
    baseline: { name: loop, seconds: seconds[1] ?? 0 },
    run: async () => {
      const released = untilReleased(bench, names.length, '2.0.0');
      await bench.client.patch(
        resourceOf(ociRepositoryKind),
        repository.metadata,
        { spec: { ref: { tag: '2.0.0' } } },
        { type: 'merge' },
      );
      await released;
    },
  });
  await table(`${contestant.name}, upgrade`);
  console.log(`API requests in all: ${await apiRequests(controllers)}`);
  return { install, upgrade };
}

/** Releases one chart many times, to be left alone then. */
export async function benchHelmIdle(bench: Bench, names: readonly string[]): Promise<void> {
  await publish(bench, '1.0.0');
  await bench.apply([repositoryOf(bench)]);
  const released = untilReleased(bench, names.length, '1.0.0');
  await bench.apply(names.map(releaseOf));
  await released;
}
