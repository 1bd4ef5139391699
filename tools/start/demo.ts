import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  createInformer,
  gvkOf,
  isNotFound,
  type KubeClient,
  keyOf,
} from '@sluice/shared/kube';
import { loadAll } from 'js-yaml';

export const demoNamespace = 'sluice-demo';
const fieldManager = 'sluice-start';
const root = join(import.meta.dirname, '../..');

interface DemoAddresses {
  repositoryUrl: string;
  /** Where notifications are shown. */
  notificationUrl: string;
}

/** The objects that tie a cluster to the example repository; everything else comes from Git. */
export function demoObjects(at: DemoAddresses): KubeObject[] {
  const metadata = (name: string) => ({ name, namespace: demoNamespace });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: demoNamespace } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata('terminal'),
      stringData: { address: at.notificationUrl },
    },
    {
      apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
      kind: 'Provider',
      metadata: metadata('terminal'),
      spec: { type: 'generic', secretRef: { name: 'terminal' } },
    },
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: metadata('examples'),
      spec: { interval: '10s', url: at.repositoryUrl, ref: { branch: 'main' } },
    },
    {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: metadata('cluster'),
      spec: {
        interval: '10m',
        prune: true,
        // Not waited for: the application `worker` is healthy only once somebody has approved its plan.
        wait: false,
        path: './clusters/demo',
        sourceRef: { kind: 'GitRepository', name: 'examples' },
      },
    },
  ] as KubeObject[];
}

/** The CustomResourceDefinitions of every controller that is there. */
export async function readCrds(): Promise<KubeObject[]> {
  const crds: KubeObject[] = [];
  for await (const file of glob('charts/*/files/crds/*.yaml', { cwd: root })) {
    crds.push(...(loadAll(await readFile(join(root, file), 'utf8')) as KubeObject[]));
  }
  return crds;
}

/**
 * Creates the CustomResourceDefinitions that the cluster does not have and waits until all are established.
 *
 * @returns those that were created here, to be removed at the end
 */
export async function ensureCrds(client: KubeClient, signal: AbortSignal): Promise<KubeObject[]> {
  const created: KubeObject[] = [];
  const crds = await readCrds();
  const resource = await client.mapper.resourceFor(gvkOf(crds[0] as KubeObject));
  await Promise.all(
    crds.map(async (crd) => {
      try {
        await client.get(resource, crd.metadata);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        await client.create(resource, crd, { fieldManager });
        created.push(crd);
      }
    }),
  );
  await waitForEstablished(client, resource, crds, signal);
  client.mapper.invalidate();
  return created;
}

async function waitForEstablished(
  client: KubeClient,
  resource: ApiResource,
  crds: KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  const waiting = new Set(crds.map((crd) => keyOf(crd)));
  const informer = createInformer<KubeObject>({ client, resource });
  const done = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => done.reject(signal.reason), { once: true });
  informer.onEvent(({ object }) => {
    const { conditions = [] } =
      (object as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {};
    if (conditions.some((c) => c.type === 'Established' && c.status === 'True'))
      waiting.delete(keyOf(object));
    if (waiting.size === 0) done.resolve();
  });
  informer.start();
  await done.promise.finally(() => informer.stop());
}

/** Applies objects in order. */
export async function applyAll(client: KubeClient, objects: KubeObject[]): Promise<void> {
  for (const object of objects) {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    await client.apply(resource, object, { fieldManager, force: true });
  }
}

/**
 * Removes what the demo created in a cluster that stays: Kustomizations first and to their end, so that what they
 * applied is pruned, then the rest in reverse order.
 */
export async function removeAll(
  client: KubeClient,
  created: KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  const kustomizations = await client.mapper.resourceFor({
    group: 'kustomize.toolkit.fluxcd.io',
    version: 'v1',
    kind: 'Kustomization',
  });
  await deleteAndWait(client, kustomizations, await namesIn(client, kustomizations), signal);
  for (const object of created.toReversed()) {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    await deleteAndWait(client, resource, [object], signal);
  }
}

async function namesIn(client: KubeClient, resource: ApiResource): Promise<KubeObject[]> {
  return (await client.list<KubeObject>(resource, { namespace: demoNamespace, metadataOnly: true }))
    .items;
}

async function deleteAndWait(
  client: KubeClient,
  resource: ApiResource,
  objects: KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  const left = new Set(objects.map((object) => keyOf(object)));
  const informer = createInformer<KubeObject>({ client, resource, metadataOnly: true });
  const gone = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => gone.reject(signal.reason), { once: true });
  const check = () => left.size === 0 && gone.resolve();
  informer.onEvent(({ type, object }) => {
    if (type === 'deleted') left.delete(keyOf(object));
    check();
  });
  informer.start();
  try {
    await informer.synced(signal);
    for (const object of objects) {
      try {
        await client.delete(resource, object.metadata);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        left.delete(keyOf(object));
      }
    }
    check();
    await gone.promise;
  } finally {
    await informer.stop();
  }
}
