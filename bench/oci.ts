// npm run bench -- oci [--n 1000]: time until N OCIRepositories of one registry are Ready, and what a look at all of
// them costs while nothing changes. The baseline is what anybody has to do: one request for the digest, the manifest
// and the layer each, and two writes to the API server, from one process without checks.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject, OCIRepository } from '@sluice/shared/api';
import { ociRepositoryKind, reconcileRequestAnnotation } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { create } from 'tar';
import { request } from 'undici';
import { appFiles, tenant } from './apps.ts';
import { apiRequests, measure, untilAll } from './measure.ts';
import { argument, type Bench, withBench } from './setup.ts';

const namespace = 'apps';
const names = Array.from({ length: Number(argument('n', '1000')) }, (_, at) => `app-${at}`);
const atOnce = 16;
const resource = resourceOf(ociRepositoryKind);
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

async function archiveOf(bench: Bench, app: string): Promise<Buffer> {
  const dir = join(bench.dir, 'layers', app);
  await mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(appFiles(app, 'v1'))) {
    await writeFile(join(dir, name), text);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of create({ gzip: true, cwd: dir, portable: true }, ['.'])) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

async function publish(bench: Bench): Promise<void> {
  await mapConcurrently(names, atOnce, async (repository) => {
    const data = await archiveOf(bench, repository);
    const mediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
    await bench.registry.pushArtifact({ repository, tag: 'v1', layers: [{ mediaType, data }] });
  });
}

async function get(url: string, method: 'GET' | 'HEAD' = 'GET'): Promise<Buffer> {
  const { statusCode, body } = await request(url, { method, headers: { accept: manifestType } });
  if (statusCode !== 200) throw new Error(`${method} ${url}: ${statusCode}`);
  return Buffer.from(await body.arrayBuffer());
}

/** Seconds of the same requests without anything around them. */
async function bare(bench: Bench): Promise<number> {
  const configMaps = await bench.client.mapper.resourceFor({
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
  });
  const startedAt = performance.now();
  await mapConcurrently(names, atOnce, async (name) => {
    const base = `http://${bench.registry.host}/v2/${name}`;
    await get(`${base}/manifests/v1`, 'HEAD');
    const { layers } = JSON.parse((await get(`${base}/manifests/v1`)).toString()) as {
      layers: { digest: string }[];
    };
    await get(`${base}/blobs/${layers[0]?.digest}`);
    for (const step of ['progress', 'done']) {
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `bare-${name}`, namespace },
        data: { step },
      };
      await bench.client.apply(configMaps, object as KubeObject, { fieldManager: 'bench' });
    }
  });
  return (performance.now() - startedAt) / 1000;
}

const sourceOf = (bench: Bench, name: string): KubeObject =>
  ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name, namespace },
    spec: {
      interval: '1h',
      url: `${bench.registry.ociUrl}/${name}`,
      insecure: true,
      ref: { tag: 'v1' },
    },
  }) as KubeObject;

await withBench(async (bench) => {
  await bench.apply(tenant(namespace));
  await publish(bench);
  const baseline = { name: 'bare requests', seconds: await bare(bench) };
  const name = 'source-controller';
  const controllers = await bench.controllers({ [name]: ['--concurrent=10'] }, [name]);
  const common = { bench, controllers, baseline };
  const all = { resource, namespace, count: names.length };
  await measure({
    ...common,
    title: `first pull: ${names.length} OCIRepositories`,
    run: async () => {
      const ready = untilAll<OCIRepository>(bench, { ...all, isDone: isReady });
      await bench.apply(names.map((one) => sourceOf(bench, one)));
      await ready;
    },
  });
  bench.registry.requests.length = 0;
  await measure({
    ...common,
    title: `no change: ${names.length} OCIRepositories`,
    run: async () => {
      const at = new Date().toISOString();
      const isDone = (object: OCIRepository) => object.status?.lastHandledReconcileAt === at;
      const handled = untilAll<OCIRepository>(bench, { ...all, isDone });
      const metadata = { annotations: { [reconcileRequestAnnotation]: at } };
      await mapConcurrently(names, atOnce, (one) =>
        bench.client.patch(resource, { name: one, namespace }, { metadata }, { type: 'merge' }),
      );
      await handled;
    },
  });
  console.log(`requests to the registry meanwhile: ${bench.registry.requests.length}`);
  console.log(await apiRequests(controllers));
});
