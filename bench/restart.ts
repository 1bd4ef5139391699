// npm run bench -- restart [--n 200]: SIGKILL for source-controller with N sources, half GitRepositories and half
// OCIRepositories: seconds until it has looked at all of them again, and what it fetched for that. The baseline is the
// same controller's start with no source.
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '@sluice/shared/api';
import { gitRepositoryKind, ociRepositoryKind } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import type { ControllerProcess } from '@sluice/testing';
import { appFiles, tenant } from './apps.ts';
import { untilAll } from './measure.ts';
import { argument, type Bench, withBench } from './setup.ts';

const namespace = 'apps';
const half = Math.ceil(Number(argument('n', '200')) / 2);
const names = Array.from({ length: half }, (_, at) => `app-${at}`);
const resources = [resourceOf(gitRepositoryKind), resourceOf(ociRepositoryKind)];
const lookEveryMs = 100;

/** Each source has a repository of its own. */
async function publish({ git, registry }: Bench): Promise<void> {
  await mapConcurrently(names, 8, async (name) => {
    await git.createRepo(name, appFiles(name, 'v1'));
    const data = Buffer.from(name);
    const mediaType = 'application/vnd.cncf.flux.content.v1.text';
    await registry.pushArtifact({ repository: name, tag: 'v1', layers: [{ mediaType, data }] });
  });
}

function sourcesOf({ git, registry }: Bench): KubeObject[] {
  const source = (kind: string, name: string, spec: object) =>
    ({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind,
      metadata: { name, namespace },
      spec: { interval: '1h', ...spec },
    }) as KubeObject;
  return names.flatMap((name) => [
    source('GitRepository', name, { url: git.url(name), ref: { branch: 'main' } }),
    source('OCIRepository', name, {
      url: `${registry.ociUrl}/${name}`,
      insecure: true,
      ref: { tag: 'v1' },
      layerSelector: {
        mediaType: 'application/vnd.cncf.flux.content.v1.text',
        operation: 'copy',
      },
    }),
  ]);
}

/** Sources that the present process has looked at. */
async function lookedAt({ metricsUrl }: ControllerProcess): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return [...text.matchAll(/^gotk_reconcile_duration_seconds_count\{.*\} [1-9]/gm)].length;
}

/** Starts the process again; seconds until it is ready, and until it has looked at so many sources. */
async function restart(controller: ControllerProcess, count: number) {
  await controller.kill();
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  await controller.start();
  const ready = seconds();
  while ((await lookedAt(controller)) < count) await delay(lookEveryMs);
  return { ready, all: seconds(), cpu: (await controller.usage()).cpuSeconds };
}

/** What status says; nothing of it changes when the same is there. */
async function statuses({ client }: Bench): Promise<string[]> {
  const lists = resources.map((resource) => client.list<KubeObject>(resource, { namespace }));
  return (await Promise.all(lists))
    .flatMap(({ items }) => items)
    .map((object) => {
      const { status } = object as { status?: unknown };
      return JSON.stringify([object.metadata.name, isReady(object), status]);
    });
}

await withBench(async (bench) => {
  await bench.apply(tenant(namespace));
  await publish(bench);
  const name = 'source-controller';
  const { processes } = await bench.controllers({ [name]: ['--concurrent=10'] }, [name]);
  const controller = processes[name];
  const empty = await restart(controller, 0);
  const ready = resources.map((resource) =>
    untilAll(bench, { resource, namespace, count: half, isDone: isReady }),
  );
  await bench.apply(sourcesOf(bench));
  await Promise.all(ready);
  const before = await statuses(bench);
  bench.git.requests.length = 0;
  bench.registry.requests.length = 0;
  const { all, cpu, ...rest } = await restart(controller, 2 * half);
  const after = await statuses(bench);
  const packs = bench.git.requests.filter(({ fetchesPack }) => fetchesPack).length;
  const layers = bench.registry.requests.filter(
    ({ method, path }) => method === 'GET' && path.includes('/blobs/'),
  ).length;
  const changed = after.filter((text, at) => text !== before[at]).length;
  console.log(
    `${2 * half} sources after a kill: ready in ${rest.ready.toFixed(2)} s, all looked at in ${all.toFixed(2)} s, ${cpu.toFixed(2)} s CPU (without sources: ${empty.ready.toFixed(2)} s, ${empty.cpu.toFixed(2)} s CPU); fetched: ${packs} packs, ${layers} layers; requests: ${bench.git.requests.length} to Git, ${bench.registry.requests.length} to the registry; statuses changed: ${changed}`,
  );
});
