import { readFileSync } from 'node:fs';
import { type KubeObject, kustomizationKind } from '@sluice/shared/api';
import {
  clientForTenant,
  coreResources,
  createKubeClient,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isKindMissing,
  isNotFound,
  type KubeClient,
  loadKubeConfig,
  resourceOf,
  serviceAccountIdentity,
  TenantClients,
} from '@sluice/shared/kube';
import { localNetwork, testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, describe, expect, test, vi } from 'vitest';

const { configMaps, deployments, namespaces, roleBindings, secrets } = coreResources;

type ConfigMap = KubeObject & { data?: Record<string, string> };

let client: KubeClient;
let kubeconfigPath: string;
let namespace: string;
beforeAll(async () => {
  ({ client, kubeconfigPath } = await testCluster());
  namespace = await testNamespace(client, 'client');
});

const configMap = (name: string, data: Record<string, string> = { a: '1' }): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

describe('objects', () => {
  test('create, read, replace, patch and delete', async () => {
    const created = await client.create(configMaps, configMap('crud'));
    expect(isAlreadyExists(await caught(client.create(configMaps, configMap('crud'))))).toBe(true);
    const replaced = await client.replace(configMaps, { ...created, data: { b: '2' } });
    expect(isConflict(await caught(client.replace(configMaps, created)))).toBe(true);
    const key = { namespace, name: 'crud' };
    await client.patch(configMaps, key, { data: { c: '3' } }, { type: 'merge' });
    const move = [{ op: 'move', from: '/data/c', path: '/data/d' }];
    await client.patch(configMaps, key, move, { type: 'json' });
    expect((await client.get<ConfigMap>(configMaps, key)).data).toEqual({ b: '2', d: '3' });
    const uid = 'another';
    expect(isConflict(await caught(client.delete(configMaps, key, { uid })))).toBe(true);
    await client.delete(configMaps, key, { uid: replaced.metadata.uid });
    expect(isNotFound(await caught(client.get(configMaps, key)))).toBe(true);
    expect(isNotFound(await caught(client.delete(configMaps, key)))).toBe(true);
  });

  test('server-side apply creates, changes, names conflicts and can force', async () => {
    const mine = { fieldManager: 'mine' };
    expect((await client.apply(configMaps, configMap('ssa'), mine)).created).toBe(true);
    expect((await client.apply(configMaps, configMap('ssa'), mine)).created).toBe(false);
    const theirs = configMap('ssa', { a: '2' });
    const conflict = await caught(client.apply(configMaps, theirs, { fieldManager: 'theirs' }));
    expect(isConflict(conflict)).toBe(true);
    expect((conflict as Error).message).toContain('.data.a');
    const forced = await client.apply(configMaps, theirs, { fieldManager: 'theirs', force: true });
    expect(forced.object.data).toEqual({ a: '2' });
  });

  test('a dry run changes nothing', async () => {
    await client.apply(configMaps, configMap('dry'), { fieldManager: 'mine', dryRun: true });
    const key = { namespace, name: 'dry' };
    expect(isNotFound(await caught(client.get(configMaps, key)))).toBe(true);
    const { metadata } = await client.create(configMaps, configMap('dry'));
    await client.delete(configMaps, key, { dryRun: true });
    expect((await client.get(configMaps, key)).metadata.uid).toBe(metadata.uid);
  });

  test('an immutable field is an invalid change', async () => {
    const immutable = { ...configMap('fixed'), immutable: true };
    await client.create(configMaps, immutable);
    const key = { namespace, name: 'fixed' };
    const patch = { data: { a: '2' } };
    const error = await caught(client.patch(configMaps, key, patch, { type: 'merge' }));
    expect(isInvalid(error)).toBe(true);
  });

  test('a refused Secret does not reveal its values', async () => {
    const secret = {
      ...configMap('s'),
      kind: 'Secret',
      data: undefined,
      stringData: { k: 12345678 },
    };
    const error = (await caught(client.apply(secrets, secret, { fieldManager: 'mine' }))) as Error;
    expect(error.message).toContain('.stringData.k');
    expect(error.message).not.toContain('12345678');
  });
});

describe('lists and watches', () => {
  test('pages are joined, and metadata alone can be asked for', async () => {
    const labels = { list: 'pages' };
    for (let n = 0; n < 7; n++) {
      const { metadata, ...rest } = configMap(`page-${n}`);
      await client.create(configMaps, { ...rest, metadata: { ...metadata, labels } });
    }
    const options = { namespace, labelSelector: 'list=pages', limit: 3 };
    const whole = await client.list<ConfigMap>(configMaps, options);
    expect(whole.items.map((item) => item.metadata.name)).toHaveLength(7);
    expect(new Set(whole.items.map((item) => `${item.apiVersion}/${item.kind}`))).toEqual(
      new Set(['v1/ConfigMap']),
    );
    const slim = await client.list<ConfigMap>(configMaps, { ...options, metadataOnly: true });
    expect(slim.items[0]).toMatchObject({ kind: 'ConfigMap', metadata: { labels } });
    expect(slim.items[0]?.data).toBeUndefined();
  });

  test('a watch sees changes after a version, and metadata alone when asked', async () => {
    const { resourceVersion } = await client.list(configMaps, { namespace });
    await client.create(configMaps, configMap('watched'));
    const watch = client.watch<ConfigMap>(configMaps, {
      namespace,
      resourceVersion,
      metadataOnly: true,
    });
    for await (const { type, object } of watch) {
      expect(type).toBe('ADDED');
      expect(object).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'watched' } });
      expect(object.data).toBeUndefined();
      break;
    }
  });

  test('a version the server no longer has is gone', async () => {
    // The server remembers changes of this kind only since its definition was created, which was later than version 1.
    const defined = resourceOf(kustomizationKind);
    // Its cache is there once a list from it has been answered.
    await vi.waitFor(() => client.list(defined, { resourceVersion: '0' }), { timeout: 10_000 });
    const events = client.watch(defined, { resourceVersion: '1' })[Symbol.asyncIterator]();
    expect(isGone(await caught(events.next()))).toBe(true);
  });
});

describe('kinds', () => {
  test('built-in kinds map to their resources', async () => {
    const found = await client.mapper.resourceFor({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    });
    expect(found).toMatchObject(deployments);
    const scale = await caught(
      client.mapper.resourceFor({ group: 'autoscaling', version: 'v1', kind: 'Scale' }),
    );
    expect(scale).toMatchObject({ name: 'NoKindMatchError' });
  });

  test('a kind that is gone is told from an object that is gone, and looked up anew', async () => {
    const gone = { group: 'gone.example.com', version: 'v1', kind: 'Gone' };
    client.mapper.learn([{ ...gone, plural: 'gones', namespaced: true }]);
    const resource = await client.mapper.resourceFor(gone);
    const key = { namespace, name: 'a' };
    expect(isKindMissing(await caught(client.get(resource, key)))).toBe(true);
    await expect(client.mapper.resourceFor(gone)).rejects.toMatchObject({ gvk: gone });
    expect(isKindMissing(await caught(client.get(configMaps, key)))).toBe(false);
  });

  test('the server says that it limits clients by itself', async () => {
    const codes: string[] = [];
    const config = loadKubeConfig({ path: kubeconfigPath });
    const onRequest = ({ code }: { code: string }) => codes.push(code);
    const slow = createKubeClient(config, { qps: 0.01, burst: 1, onRequest });
    for (let n = 0; n < 5; n++)
      await slow.get(namespaces, { name: namespace }, { timeoutMs: 5000 });
    expect(codes).toEqual(['200', '200', '200', '200', '200']);
    await slow.close();
  });
});

describe('identities', () => {
  async function allowReading(account: string) {
    const user = serviceAccountIdentity(namespace, account).user;
    await client.create(roleBindings, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: account, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
    } as KubeObject);
  }

  test('a tenant may do what its account may, and no more', async () => {
    await allowReading('viewer');
    const tenant = await clientForTenant({ client, namespace, serviceAccountName: 'viewer' });
    // The server's authorizer learns of a new binding by a watch of its own.
    await vi.waitFor(() => tenant.list(configMaps, { namespace }), { timeout: 10_000 });
    expect(isForbidden(await caught(tenant.list(secrets, { namespace })))).toBe(true);
    expect(isForbidden(await caught(tenant.create(configMaps, configMap('no'))))).toBe(true);
    expect(isForbidden(await caught(tenant.list(configMaps, { namespace: 'default' })))).toBe(true);
  });

  test('the account keeps its groups', async () => {
    const tenant = client.impersonate(serviceAccountIdentity(namespace, 'any'));
    const review = await tenant.request(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      },
    );
    expect(review).toMatchObject({
      status: {
        userInfo: {
          username: `system:serviceaccount:${namespace}:any`,
          groups: expect.arrayContaining([`system:serviceaccounts:${namespace}`]),
        },
      },
    });
  });

  test('a kubeconfig in a Secret leads to its cluster, as the account when one is named', async () => {
    await allowReading('remote');
    const stringData = { value: readFileSync(kubeconfigPath, 'utf8') };
    await client.create(secrets, {
      ...configMap('cluster'),
      kind: 'Secret',
      data: undefined,
      stringData,
    });
    const cache = new TenantClients({ guard: localNetwork });
    const o = { client, namespace, cache, kubeConfig: { secretRef: { name: 'cluster' } } };
    const admin = await clientForTenant(o);
    await expect(admin.list(secrets, { namespace })).resolves.toBeDefined();
    const tenant = await clientForTenant({ ...o, serviceAccountName: 'remote' });
    // The server's authorizer learns of a new binding by a watch of its own.
    await vi.waitFor(() => tenant.list(configMaps, { namespace }), { timeout: 10_000 });
    expect(isForbidden(await caught(tenant.list(secrets, { namespace })))).toBe(true);
    await cache.close();
  });
});
