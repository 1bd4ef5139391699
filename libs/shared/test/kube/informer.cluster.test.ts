import type { KubeObject } from '@sluice/shared/api';
import {
  coreResources,
  createInformer,
  createKubeClient,
  type Informer,
  type InformerEvent,
  type InformerHealth,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTcpProxy } from './tcp-proxy.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const { configMaps } = coreResources;

let client: KubeClient;
let kubeconfigPath: string;
let namespace: string;
beforeAll(async () => {
  ({ client, kubeconfigPath } = await testCluster());
  namespace = await testNamespace(client, 'informer');
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const write = (name: string, value: string) =>
  client.apply<ConfigMap>(
    configMaps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { value } },
    { fieldManager: 'test' },
  );

/** Resolves with the first event that fits. */
function next(
  informer: Informer<ConfigMap>,
  fits: (e: InformerEvent<ConfigMap>) => boolean,
): Promise<InformerEvent<ConfigMap>> {
  return new Promise((resolve) => {
    const off = informer.onEvent((e) => {
      if (!fits(e)) return;
      // The replay happens before the listener can be removed.
      queueMicrotask(() => off());
      resolve(e);
    });
  });
}

function inform(from: KubeClient, health: InformerHealth[] = [], idleTimeoutMs?: number) {
  const informer = createInformer<ConfigMap>({
    client: from,
    resource: configMaps,
    namespace,
    indexes: { value: (o) => (o.data?.['value'] === undefined ? [] : [o.data['value']]) },
    idleTimeoutMs,
    onHealth: (e) => health.push(e),
  });
  closing.push(() => informer.stop());
  informer.start();
  return informer;
}

async function throughProxy() {
  const config = loadKubeConfig({ path: kubeconfigPath });
  const { hostname, port } = new URL(config.server);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const proxied = createKubeClient({ ...config, server: `https://127.0.0.1:${proxy.port}` });
  closing.push(proxy.close, () => proxied.close());
  return { proxy, proxied };
}

describe('list-watch on an API server', () => {
  test('it follows creation, change and deletion, with its indexes', async () => {
    await write('before', 'x');
    const informer = inform(client);
    await informer.synced();
    expect(informer.get(`${namespace}/before`)?.kind).toBe('ConfigMap');
    const added = next(informer, (e) => e.type === 'added' && e.object.metadata.name === 'a');
    await write('a', 'one');
    expect((await added).object.apiVersion).toBe('v1');
    const modified = next(informer, (e) => e.type === 'modified');
    await write('a', 'two');
    expect((await modified).previous?.data).toEqual({ value: 'one' });
    expect(informer.byIndex('value', 'two').map((o) => o.metadata.name)).toEqual(['a']);
    const deleted = next(informer, (e) => e.type === 'deleted');
    await client.delete(configMaps, { namespace, name: 'a' });
    expect((await deleted).object.metadata.name).toBe('a');
    expect(informer.byIndex('value', 'two')).toEqual([]);
  });

  test('9. A connection that carries no byte within the idle time is given up and opened anew', async () => {
    const { proxy, proxied } = await throughProxy();
    const health: InformerHealth[] = [];
    const informer = inform(proxied, health, 1500);
    await informer.synced();
    const first = next(informer, (e) => e.object.metadata.name === 'half-open-1');
    await write('half-open-1', 'x');
    await first;
    proxy.freeze();
    const second = next(informer, (e) => e.object.metadata.name === 'half-open-2');
    await write('half-open-2', 'x');
    expect((await second).type).toBe('added');
    expect(health.filter((e) => e.type === 'listed')).toHaveLength(1);
    expect(health).toContainEqual(
      expect.objectContaining({ type: 'failed', error: expect.objectContaining({ code: 'IDLE' }) }),
    );
  });

  test('7. After a lost connection the watch continues without a new list', async () => {
    const { proxy, proxied } = await throughProxy();
    const health: InformerHealth[] = [];
    const informer = inform(proxied, health);
    await informer.synced();
    const first = next(informer, (e) => e.object.metadata.name === 'lost-1');
    await write('lost-1', 'x');
    await first;
    const second = next(informer, (e) => e.object.metadata.name === 'lost-2');
    proxy.reset();
    await write('lost-2', 'x');
    expect((await second).type).toBe('added');
    expect(health.filter((e) => e.type === 'listed')).toHaveLength(1);
  });

  test('10. It outlives an API server that cannot be reached for a while', async () => {
    const { proxy, proxied } = await throughProxy();
    const health: InformerHealth[] = [];
    const informer = inform(proxied, health);
    await informer.synced();
    await proxy.shut();
    await vi.waitUntil(() => health.filter((e) => e.type === 'failed').length >= 3, 30_000);
    const seen = next(informer, (e) => e.object.metadata.name === 'back');
    await write('back', 'x');
    await proxy.open();
    expect((await seen).type).toBe('added');
    expect(health.filter((e) => e.type === 'listed')).toHaveLength(1);
  });

  test('10b. It ends when its client is closed', async () => {
    const own = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
    const health: InformerHealth[] = [];
    const informer = inform(own, health);
    await informer.synced();
    await own.close();
    await informer.stop();
    expect(health.filter((e) => e.type === 'failed')).toEqual([]);
  });

  test('many watches share few connections', async () => {
    const { proxy, proxied } = await throughProxy();
    const informers = Array.from({ length: 60 }, () => inform(proxied));
    await Promise.all(informers.map((informer) => informer.synced()));
    const seen = informers.map((informer) =>
      next(informer, (e) => e.object.metadata.name === 'shared'),
    );
    await write('shared', 'x');
    await Promise.all(seen);
    // At most twenty for the lists.
    expect(proxy.accepted).toBeLessThanOrEqual(22);
  });
});
