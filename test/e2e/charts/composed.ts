import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubeObject, kustomizationKind } from '@sluice/shared/api';
import { packArtifact } from '@sluice/shared/artifact';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until, untilGone } from '@sluice/testing';
import { coreV1 } from '../objects.ts';
import { timeoutMs } from '../world.ts';
import { untilAllReady } from './install.ts';
import { type ChartWorld, fluxNamespace } from './world.ts';

/** Values that install source-watcher beside the controllers. */
export const withWatcher = { sourceWatcher: { create: true } };

const namespace = 'composed';
const at = (name: string) => ({ namespace, name });
const key = at('parts');

const settings = `apiVersion: v1
kind: ConfigMap
metadata:
  name: parts
  namespace: ${namespace}
`;

function objects(world: ChartWorld): KubeObject[] {
  const url = `oci://${world.reach(world.registry.host)}/composed`;
  return [
    { ...coreV1('Namespace'), metadata: { name: namespace } },
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: at('whole'),
      spec: { interval: '10m', url, insecure: true },
    },
    {
      apiVersion: 'source.extensions.fluxcd.io/v1beta1',
      kind: 'ArtifactGenerator',
      metadata: key,
      spec: {
        sources: [{ alias: 'whole', kind: 'OCIRepository', name: 'whole' }],
        artifacts: [{ name: key.name, copy: [{ from: '@whole/parts/**', to: '@artifact/' }] }],
      },
    },
    {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: key,
      spec: {
        interval: '10m',
        prune: true,
        path: './',
        sourceRef: { kind: 'ExternalArtifact', name: key.name },
      },
    },
  ] as unknown as KubeObject[];
}

/** Applies a part of an artifact that source-watcher makes of another one, and deletes all of it again. */
export async function useWatcher(world: ChartWorld): Promise<void> {
  await untilAllReady(world.node, fluxNamespace, { names: ['source-watcher'], nats: false });
  const path = join(world.dir, 'composed.tar.gz');
  const read = async () => Buffer.from(settings);
  await packArtifact([{ path: 'parts/settings.yaml', executable: false, read }], path);
  const mediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
  const layers = [{ mediaType, data: await readFile(path) }];
  await world.registry.pushArtifact({ repository: 'composed', tag: 'latest', layers });
  const applied = objects(world);
  for (const object of applied) await world.apply(object);
  await until(world.client, resourceOf(kustomizationKind), key, isReady, { timeoutMs });
  await world.client.get(coreResources.configMaps, key);
  for (const object of applied.slice(1).reverse()) {
    const resource = await world.resource(object);
    await world.client.delete(resource, object.metadata);
    await untilGone(world.client, resource, object.metadata, { timeoutMs });
  }
}
