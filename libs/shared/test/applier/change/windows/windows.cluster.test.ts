import { join } from 'node:path';
import { type KubeObject, type WindowSpec, windowKind } from '@sluice/shared/api';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import {
  coreResources,
  createInformer,
  createKubeClient,
  type KubeClient,
  keyOf,
  loadKubeConfig,
  resourceOf,
  serviceAccountIdentity,
} from '@sluice/shared/kube';
import {
  createNamespace,
  installCrds,
  startControlPlane,
  tenantAccount,
  testCluster,
  testNamespace,
} from '@sluice/testing';
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Windows, type WindowsOptions } from '../../../../src/applier/change/windows/windows.ts';
import { at, windowOf } from './windows-bed.ts';

// Labels alone say what Windows are for, so that any objects serve.
const { configMaps } = coreResources;
const windowResource = resourceOf(windowKind);
const byHand = { type: 'merge', fieldManager: 'somebody' } as const;
/** It is always open. */
const always: Partial<WindowSpec> = { schedule: '0 0 * * *', duration: '24h' };
const web: Partial<WindowSpec> = { ...always, selector: { matchLabels: { tier: 'web' } } };
const db: Partial<WindowSpec> = { ...always, selector: { matchLabels: { tier: 'db' } } };

let admin: KubeClient;
let namespace: string;
let platform: string;
beforeAll(async () => {
  ({ client: admin } = await testCluster());
  platform = await testNamespace(admin, 'platform');
});
beforeEach(async () => {
  namespace = await testNamespace(admin, 'windows');
});

async function makeObject(name: string, tier: string, o = { client: admin, namespace }) {
  return o.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: o.namespace, labels: { tier } },
  } as KubeObject);
}

const makeWindow = (name: string, spec: Partial<WindowSpec>, where = namespace) =>
  admin.create(windowResource, windowOf(name, spec, where));
const patchWindow = (name: string, patch: object) =>
  admin.patch(windowResource, { namespace, name }, patch, byHand);
const deleteWindow = (name: string, where = namespace) =>
  admin.delete(windowResource, { namespace: where, name });

/** Tells a test when an object is told of, once for each time that it waits. */
function listeningTo(windows: Windows) {
  const keys: string[] = [];
  let waits: { key: string; resolve(): void }[] = [];
  windows.onChange((key) => {
    keys.push(key);
    for (const wait of waits) if (wait.key === key) wait.resolve();
    waits = waits.filter((wait) => wait.key !== key);
  });
  const told = (object: KubeObject) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waits.push({ key: keyOf(object), resolve });
    return promise;
  };
  return { keys, told };
}

async function watching(o: Partial<WindowsOptions> & { in?: string } = {}) {
  const client = o.client ?? admin;
  const objects = createInformer<KubeObject>({
    client: o.client ?? admin,
    resource: configMaps,
    namespace: o.in ?? namespace,
    labelSelector: 'tier',
  });
  const windows = new Windows({
    logger: silentLogger,
    objects,
    clusterNamespace: '',
    clock: new FakeClock(at('2026-12-01T12:00Z')),
    ...o,
    client,
  });
  onTestFinished(async () => {
    await Promise.all([windows.stop(), objects.stop()]);
  });
  objects.start();
  await objects.synced();
  await windows.start(AbortSignal.timeout(60_000));
  return { windows, ...listeningTo(windows) };
}

test('a Window that is made, changed or deleted tells of all that it is for, or was', async () => {
  const front = await makeObject('front', 'web');
  const store = await makeObject('store', 'db');
  const { windows, keys, told } = await watching();
  expect(windows.verdictOf(front)).toEqual({ open: true });

  let turn = told(front);
  await makeWindow('freeze', web);
  await turn;
  expect(windows.verdictOf(front)).toMatchObject({
    open: false,
    message: `Window '${namespace}/freeze' holds changes, and no end is known`,
  });
  expect(windows.verdictOf(store)).toEqual({ open: true });
  expect(keys).toEqual([keyOf(front)]);

  const both = Promise.all([told(front), told(store)]);
  await patchWindow('freeze', { spec: db });
  await both;
  expect(windows.verdictOf(front)).toEqual({ open: true });
  expect(windows.verdictOf(store).open).toBe(false);

  turn = told(store);
  await deleteWindow('freeze');
  await turn;
  expect(windows.verdictOf(store)).toEqual({ open: true });
  expect(keys).toHaveLength(4);
});

test('Windows that are there at the start count from the start', async () => {
  const front = await makeObject('front', 'web');
  await makeWindow('freeze', web);
  const { windows } = await watching();
  expect(windows.verdictOf(front).open).toBe(false);
});

test('a change of what is no part of the spec tells of nothing', async () => {
  await makeObject('front', 'web');
  const store = await makeObject('store', 'db');
  await makeWindow('freeze', web);
  const { keys, told } = await watching();
  keys.length = 0;
  const turn = told(store);
  await patchWindow('freeze', { metadata: { annotations: { why: 'Christmas' } } });
  // What is made after it is seen after it.
  await makeWindow('marker', db);
  await turn;
  expect(keys).toEqual([keyOf(store)]);
});

test('an object of other labels is told of when other Windows are for it', async () => {
  const front = await makeObject('front', 'web');
  await makeWindow('freeze', db);
  const { windows, keys, told } = await watching();
  expect(windows.verdictOf(front)).toEqual({ open: true });

  await admin.patch(
    configMaps,
    front.metadata,
    { metadata: { labels: { tier: 'cache' } } },
    byHand,
  );
  let turn = told(front);
  const moved = await admin.patch<KubeObject>(
    configMaps,
    front.metadata,
    { metadata: { labels: { tier: 'db' } } },
    byHand,
  );
  await turn;
  expect(windows.verdictOf(moved).open).toBe(false);

  turn = told(front);
  await admin.patch(configMaps, front.metadata, { metadata: { labels: { tier: 'web' } } }, byHand);
  await turn;
  expect(keys).toEqual([keyOf(front), keyOf(front)]);
});

test('Windows of a namespace are for it alone, those of the administrator’s for all', async () => {
  const other = await testNamespace(admin, 'other');
  const front = await makeObject('front', 'web');
  const theirs = await makeObject('theirs', 'web', { client: admin, namespace: other });
  const { windows, keys, told } = await watching({ clusterNamespace: platform });

  let turn = told(front);
  await makeWindow('elsewhere', always, other);
  await makeWindow('own', db);
  await makeWindow('freeze', web, platform);
  await turn;
  expect(keys).toEqual([keyOf(front)]);
  expect(windows.verdictOf(front)).toHaveProperty(
    'message',
    `Window '${platform}/freeze' holds changes, and no end is known`,
  );
  expect(windows.verdictOf(theirs).open).toBe(false);

  turn = told(front);
  await deleteWindow('freeze', platform);
  await turn;
  expect(windows.verdictOf(front)).toEqual({ open: true });
  expect(windows.verdictOf(theirs)).toHaveProperty(
    'message',
    `Window '${other}/elsewhere' holds changes, and no end is known`,
  );
});

test('a controller of one namespace reads Windows there and in the administrator’s only', async () => {
  const front = await makeObject('front', 'web');
  const rule = {
    apiGroups: [windowKind.group],
    resources: [windowKind.plural],
    verbs: ['list', 'watch'],
  };
  const maps = { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] };
  await tenantAccount(admin, { namespace, name: 'applier' }, [rule, maps]);
  await allowIn(platform, rule);
  const client = admin.impersonate(serviceAccountIdentity(namespace, 'applier'));
  const { windows, told } = await watching({ client, namespace, clusterNamespace: platform });
  const turn = told(front);
  await makeWindow('freeze', web, platform);
  await turn;
  expect(windows.verdictOf(front).open).toBe(false);
  await deleteWindow('freeze', platform);
});

async function allowIn(where: string, rule: object) {
  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1', namespaced: true };
  const metadata = { name: `windows-of-${namespace}`, namespace: where };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await admin.create({ ...rbac, kind: 'Role', plural: 'roles' }, {
    apiVersion,
    kind: 'Role',
    metadata,
    rules: [rule],
  } as KubeObject);
  await admin.create({ ...rbac, kind: 'RoleBinding', plural: 'rolebindings' }, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: rbac.group, kind: 'Role', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', name: 'applier', namespace }],
  } as KubeObject);
}

test('a Window without spec holds its namespace, and says so', async () => {
  const front = await makeObject('front', 'web');
  const { windows, told } = await watching();
  let turn = told(front);
  const { spec: _, ...bare } = windowOf('bare', {}, namespace) as KubeObject & { spec: unknown };
  await admin.create(windowResource, bare);
  await turn;
  expect(windows.verdictOf(front)).toMatchObject({
    open: false,
    untilMs: undefined,
    message: `Window '${namespace}/bare' holds changes because it cannot be read: spec is missing: write the Window with a spec`,
  });

  turn = told(front);
  await patchWindow('bare', { spec: { kind: 'Deny', schedule: '0 22 * * *', duration: '8h' } });
  await turn;
  expect(windows.verdictOf(front)).toEqual({ open: true });
});

test('more than 100 Windows for one object hold it, and others not', async () => {
  const front = await makeObject('front', 'web');
  const store = await makeObject('store', 'db');
  const closed: Partial<WindowSpec> = { ...web, schedule: '0 0 1 1 *', duration: '1h' };
  for (let index = 0; index < 100; index++) await makeWindow(`w${index}`, closed);
  const { windows, told } = await watching();
  expect(windows.verdictOf(front)).toEqual({ open: true });
  const turn = told(front);
  await makeWindow('one-more', closed);
  await turn;
  expect(windows.verdictOf(front)).toMatchObject({
    open: false,
    untilMs: undefined,
    message:
      'changes are held because 101 Windows are for the object, more than 100: delete some, or narrow their spec.selector',
  });
  expect(windows.verdictOf(store)).toEqual({ open: true });
});

test('where the kind is installed later, nothing is held before, and nothing asked for', async () => {
  const controlPlane = await startControlPlane();
  onTestFinished(() => controlPlane.stop());
  const { kubeconfigPath } = controlPlane;
  const own = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
  onTestFinished(() => own.close());
  await createNamespace(own, 'apps');
  const front = await makeObject('front', 'web', { client: own, namespace: 'apps' });
  const lists: string[] = [];
  const client = new Proxy(own, {
    get(target, property) {
      const value = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        if (property === 'list') lists.push((given[0] as { plural: string }).plural);
        return value.apply(target, given);
      };
    },
  });
  const { windows, told } = await watching({ client, in: 'apps' });
  expect(windows.verdictOf(front)).toEqual({ open: true });
  expect(lists).not.toContain('windows');

  await installCrds(join(import.meta.dirname, '../../../../../..'), kubeconfigPath);
  const turn = told(front);
  await own.create(windowResource, windowOf('freeze', web));
  await turn;
  expect(windows.verdictOf(front).open).toBe(false);
});
