import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  externalArtifactKind,
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
  type OCIRepository,
  ociRepositoryKind,
  type Receiver,
  receiverKind,
} from '@sluice/shared/api';
import { packArtifact } from '@sluice/shared/artifact';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until, untilGone } from '@sluice/testing';
import { vi } from 'vitest';
import { timeoutMs } from '../world.ts';
import {
  alerting,
  appliers,
  at,
  broken,
  configMap,
  externalArtifact,
  lost,
  namespace,
  referred,
  sources,
} from './every-kind-objects.ts';
import type { ChartWorld } from './world.ts';

const contentType = 'application/vnd.cncf.flux.content.v1.tar+gzip';

async function publishApp(world: ChartWorld): Promise<void> {
  const path = join(world.dir, 'every-kind.tar.gz');
  const read = async () => Buffer.from(configMap('app'));
  await packArtifact([{ path: 'app.yaml', executable: false, read }], path);
  const layers = [{ mediaType: contentType, data: await readFile(path) }];
  await world.registry.pushArtifact({ repository: 'app', tag: 'latest', layers });
  const files = {
    'templates/app.yaml': configMap('release')
      .replaceAll('${', '{{ .Values.')
      .replaceAll('}', ' }}'),
  };
  await world.helmServer.publish({ name: 'app', version: '1.0.0', files });
}

async function untilReady(world: ChartWorld, kind: KindDefinition, name: string): Promise<void> {
  await until(world.client, resourceOf(kind), at(name), isReady, { timeoutMs });
}

/** Waits for a Kubernetes Event of an object that was counted up at least once. */
async function untilRepeated(world: ChartWorld, kind: string, name: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
      const { items } = await world.client.list<KubeObject & { count?: number }>(
        coreResources.events,
        { namespace, fieldSelector },
      );
      if (!items.some(({ count = 0 }) => count > 1)) throw new Error('no event is repeated yet');
    },
    { timeout: timeoutMs, interval: 200 },
  );
}

/**
 * Uses each kind in each way that takes a permission of its own: by every reference to Secrets, ConfigMaps and accounts,
 * through webhooks and alerts that select by labels, with sources that are missing, until all of it is deleted again.
 */
export async function useEveryKind(world: ChartWorld): Promise<void> {
  await publishApp(world);
  world.slack.respond(({ path }) => ({ status: path === '/refuse' ? 400 : 200 }));
  for (const object of [...referred(), ...alerting(world), ...sources(world)]) {
    await world.apply(object);
  }
  await publishExternal(world);
  const objects = [...appliers(), ...lost(), ...broken(world)];
  for (const object of objects) await world.apply(object);
  await untilReady(world, kustomizationKind, 'app');
  await untilReady(world, kustomizationKind, 'external');
  await untilReady(world, helmReleaseKind, 'release');
  for (const { kind, metadata } of broken(world)) await untilRepeated(world, kind, metadata.name);
  // Another failure of the same object is a second delivery that is refused, which the Alert's event counts.
  await world.client.patch(
    resourceOf(kustomizationKind),
    at('broken'),
    { spec: { path: './nothing' } },
    { type: 'merge' },
  );
  await untilRepeated(world, 'Alert', 'refused');
  await callReceiver(world);
  await deleteAndWait(world, objects);
  await deleteAndWait(world, [...alerting(world), ...sources(world)]);
}

/** Publishes what an OCIRepository has fetched as an ExternalArtifact. */
async function publishExternal(world: ChartWorld): Promise<void> {
  const fetched = await until<OCIRepository>(
    world.client,
    resourceOf(ociRepositoryKind),
    at('app'),
    isReady,
    { timeoutMs },
  );
  await world.apply(externalArtifact);
  await world.client.patch(
    resourceOf(externalArtifactKind),
    at('app'),
    { status: { artifact: fetched.status?.artifact } },
    { type: 'merge', subresource: 'status' },
  );
}

async function deleteAndWait(world: ChartWorld, objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    await world.client.delete(await world.resource(object), object.metadata);
  }
  for (const object of objects) {
    await untilGone(world.client, await world.resource(object), object.metadata, { timeoutMs });
  }
}

async function callReceiver(world: ChartWorld): Promise<void> {
  const receiver = await until<Receiver>(
    world.client,
    resourceOf(receiverKind),
    at('all'),
    isReady,
    { timeoutMs },
  );
  const url = `${world.controllers.receiverUrl}${receiver.status?.webhookPath}`;
  const response = await fetch(url, { method: 'POST' });
  if (!response.ok) throw new Error(`the Receiver answered ${response.status}`);
}
