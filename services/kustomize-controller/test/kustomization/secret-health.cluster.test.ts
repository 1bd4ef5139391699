import { readFile } from 'node:fs/promises';
import type { KubeObject } from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import type { KubeConfigReference } from '@sluice/shared/kube';
import {
  changeTenant,
  openWatches,
  type RestrictedCluster,
  startRestrictedCluster,
  type TenantRule,
  tenantAccount,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, conditionOf, configMap, secrets, startBed } from './harness.ts';

const clock = new FakeClock();
let cluster: RestrictedCluster;
/** No time passes by itself, so that only watches can help. */
let bed: Bed;
beforeAll(async () => {
  cluster = await startRestrictedCluster();
  bed = await startBed([], { cluster, wrap: () => cluster.controller, clock });
});
afterAll(async () => {
  await bed?.stop();
  await cluster?.stop();
});

const base64 = (text: string) => Buffer.from(text).toString('base64');
/** Has no place in anything that people read. */
const canary = 'canary-7c1e';
const [first, second, ready] = ['first', 'second', 'ready'].map((text) =>
  base64(`${canary}-${text}`),
) as [string, string, string];

const secret = (name: string, data: Record<string, string>): KubeObject & { data: object } => ({
  ...{ apiVersion: 'v1', kind: 'Secret', data },
  metadata: { name, namespace: bed.namespace },
});

const change = (name: string, token: string) =>
  bed.client.patch(
    secrets,
    { namespace: bed.namespace, name },
    { data: { token } },
    { type: 'merge' },
  );

/** An expression that takes a value itself, and not its digest. */
const healthCheckExprs = [
  { apiVersion: 'v1', kind: 'Secret', current: `has(data.token) && data.token == '${ready}'` },
];

/** Applies something that waits for Secrets, as an account of its own, whose requests are its alone. */
async function deploy(
  name: string,
  more: { files?: Record<string, string>; wait?: true; kubeConfig?: KubeConfigReference } = {},
) {
  const { wait, kubeConfig, files = { 'a.yaml': configMap(name) } } = more;
  await bed.publish(files, 'r1', name);
  const theirs = { apiVersion: 'v1', kind: 'Secret', name, namespace: bed.namespace };
  await bed.apply(
    {
      ...{ interval: '24h', timeout: '12h', serviceAccountName: name, healthCheckExprs },
      sourceRef: { kind: 'ExternalArtifact', name },
      ...(kubeConfig && { kubeConfig }),
      ...(wait ? { wait } : { healthChecks: [theirs] }),
    },
    name,
  );
  await bed.when(({ status }) => status?.inventory !== undefined, name);
}

const account = (name: string, rules?: TenantRule[]) =>
  tenantAccount(bed.client, { namespace: bed.namespace, name }, rules);

/** How often an account has asked for the Secret of its name. */
async function countOf(name: string, verb: string): Promise<number> {
  const all = await cluster.requestsOf({ namespace: bed.namespace, name });
  const isIt = (one: (typeof all)[number]) => one.resource === 'secrets' && one.name === name;
  return all.filter((one) => one.verb === verb && isIt(one)).length;
}

const untilRead = (name: string, times: number) =>
  vi.waitFor(async () => expect(await countOf(name, 'get')).toBe(times), {
    timeout: 30_000,
    interval: 200,
  });

/** Waits until so many Secrets are watched, each alone. */
const untilWatched = (count: number) =>
  vi.waitFor(async () => expect(await openWatches(bed.client, secrets, 'resource')).toBe(count), {
    timeout: 30_000,
    interval: 200,
  });

/** Waits until something else is applied and healthy. */
async function untilDone(name: string) {
  await account(name);
  await deploy(name, { wait: true });
  await bed.ready('r1', name);
}

/** Lets the time of many looks pass. */
async function letTimePass() {
  for (let looks = 0; looks < 4; looks++) await clock.advance(15_000);
}

/** Waits until the status says that health is waited for, which it does after a while. */
const untilWaiting = (name: string) => {
  const look = async () => {
    await letTimePass();
    expect(conditionOf(await bed.get(name), 'Healthy')?.status).toBe('Unknown');
  };
  return vi.waitFor(look, { timeout: 30_000, interval: 200 });
};

test('a Secret of others is read once, and once for each change', async () => {
  const name = 'theirs';
  await account(name);
  await bed.client.create(secrets, secret(name, { token: first }));
  await deploy(name);
  await untilWatched(1);
  await untilWaiting(name);
  expect(await countOf(name, 'get')).toBe(1);
  await change(name, second);
  await untilRead(name, 2);
  await letTimePass();
  await change(name, ready);
  await bed.ready('r1', name);
  expect([await countOf(name, 'get'), await countOf(name, 'list')]).toEqual([3, 1]);
  await untilWatched(0);
});

test('a Secret of its own is read once for each change after the apply, and not at first', async () => {
  const name = 'own';
  await account(name);
  const manifest = secret(name, { other: first });
  await deploy(name, { files: { 'a.yaml': JSON.stringify(manifest) }, wait: true });
  await untilWaiting(name);
  expect(await countOf(name, 'get')).toBe(0);
  await change(name, second);
  await untilRead(name, 1);
  await letTimePass();
  await change(name, ready);
  await bed.ready('r1', name);
  expect(await countOf(name, 'get')).toBe(2);
});

test.each([
  ['of its own', 'remote-own', 1],
  ['of others', 'remote-theirs', 2],
])('so is a Secret %s behind a kubeconfig', async (_, name, reads) => {
  const kubeconfig = await readFile(bed.kubeconfigPath, 'utf8');
  const login = secret(`login-${name}`, { value: base64(kubeconfig) });
  await bed.client.create(secrets, login);
  await account(name);
  const manifest = secret(name, { other: first });
  const isOwn = name === 'remote-own';
  if (!isOwn) await bed.client.create(secrets, manifest);
  await deploy(name, {
    kubeConfig: { secretRef: { name: login.metadata.name } },
    ...(isOwn && { files: { 'a.yaml': JSON.stringify(manifest) }, wait: true as const }),
  });
  await untilWaiting(name);
  await change(name, ready);
  await bed.ready('r1', name);
  expect(await countOf(name, 'get')).toBe(reads);
  await untilWatched(0);
});

test('a Secret of its own that is good as it was applied is not read', async () => {
  const name = 'good';
  await account(name);
  const manifest = secret(name, { token: ready });
  await deploy(name, { files: { 'a.yaml': JSON.stringify(manifest) }, wait: true });
  await bed.ready('r1', name);
  expect(await countOf(name, 'get')).toBe(0);
});

test('one that the next revision does not change, which only a watch has shown, is judged by a read', async () => {
  const name = 'kept';
  await account(name);
  const manifest = JSON.stringify(secret(name, { token: ready }));
  await deploy(name, { files: { 'a.yaml': manifest }, wait: true });
  await bed.ready('r1', name);
  await bed.publish({ 'a.yaml': manifest, 'b.yaml': configMap(name) }, 'r2', name);
  await bed.ready('r2', name);
  expect(await countOf(name, 'get')).toBe(1);
});

test('one that changes in a loop is read every two seconds, and its last state is seen', async () => {
  const name = 'flood';
  await account(name);
  await bed.client.create(secrets, secret(name, { token: first }));
  await deploy(name);
  await untilWatched(1);
  await clock.advance(1_000);
  for (let n = 0; n < 30; n++) await change(name, base64(`${canary}-${n}`));
  await change(name, ready);
  // By then the changes have come.
  await untilDone('other');
  expect(await countOf(name, 'get')).toBe(1);
  await clock.advance(1_000);
  await bed.ready('r1', name);
  expect(await countOf(name, 'get')).toBe(2);
});

test('where it may not be read, that is said, others go on, and it is read every two seconds', async () => {
  const name = 'blind';
  const rulesOf = (...verbs: string[]) => [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['*'] },
    { apiGroups: [''], resources: ['secrets'], verbs },
  ];
  await account(name, rulesOf('list', 'watch'));
  await bed.client.create(secrets, secret(name, { token: ready }));
  await deploy(name);
  await untilWatched(1);
  await letTimePass();
  const waiting = await bed.when(
    (object) => (conditionOf(object)?.message ?? '').includes('cannot get resource'),
    name,
  );
  expect(conditionOf(waiting)?.status).toBe('Unknown');
  await untilDone('beside');
  await changeTenant(
    bed.client,
    { namespace: bed.namespace, name },
    rulesOf('get', 'list', 'watch'),
  );
  const look = async () => {
    await clock.advance(2_000);
    expect(conditionOf(await bed.get(name))?.status).toBe('True');
  };
  await vi.waitFor(look, { timeout: 30_000, interval: 200 });
});

test.each([
  ['suspended', (name: string) => bed.patch({ suspend: true }, name)],
  ['deleted', (name: string) => bed.remove(name)],
])('nothing is read any more for what is %s', async (what, act) => {
  const name = `idle-${what}`;
  await account(name);
  await bed.client.create(secrets, secret(name, { token: first }));
  await deploy(name);
  await untilWatched(1);
  await act(name);
  await untilWatched(0);
  await change(name, ready);
  await letTimePass();
  expect(await countOf(name, 'get')).toBe(1);
});

test('no value is in any status, event or log', async () => {
  const events = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
  const { items } = await bed.client.list(events, { namespace: bed.namespace });
  expect(items.length).toBeGreaterThan(0);
  const statuses = await Promise.all(
    ['theirs', 'own', 'good', 'flood', 'blind'].map(async (name) => (await bed.get(name)).status),
  );
  const said = [JSON.stringify(items), JSON.stringify(statuses), bed.log()].join('\n');
  for (const value of [canary, first, second, ready]) expect(said).not.toContain(value);
});
