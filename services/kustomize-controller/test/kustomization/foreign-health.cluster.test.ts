import type { KubeObject } from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import {
  labelNodes,
  openWatches,
  type RestrictedCluster,
  startRestrictedCluster,
  tenantAccount,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployment,
  deployments,
  startBed,
} from './harness.ts';

const clock = new FakeClock();
let cluster: RestrictedCluster;
/** No time passes by itself, so that only watches can help. */
let bed: Bed;
beforeAll(async () => {
  cluster = await startRestrictedCluster();
  bed = await startBed([], { cluster, wrap: () => cluster.controller, clock });
  const { client, namespace } = bed;
  await tenantAccount(client, { namespace, name: 'tenant' });
  const verbs = ['get', 'create', 'patch', 'delete'];
  const rules = [{ apiGroups: ['', 'apps'], resources: ['configmaps', 'deployments'], verbs }];
  await tenantAccount(client, { namespace, name: 'poor' }, rules);
});
afterAll(async () => {
  await bed?.stop();
  await cluster?.stop();
});

const reference = (apiVersion: string, kind: string, name: string) => ({
  ...{ apiVersion, kind, name },
  namespace: bed.namespace,
});

/** Deploys something that waits for what others have made; resolves when it is applied. */
async function deploy(
  name: string,
  account: string,
  healthChecks: ReturnType<typeof reference>[],
): Promise<void> {
  await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
  const sourceRef = { kind: 'ExternalArtifact' as const, name };
  const spec = { interval: '24h', timeout: '12h', serviceAccountName: account };
  await bed.apply({ ...spec, sourceRef, healthChecks }, name);
  await bed.when(({ status }) => status?.inventory !== undefined, name);
}

const create = (manifest: string) => {
  const object = JSON.parse(manifest) as KubeObject;
  const resource = object.kind === 'Deployment' ? deployments : configMaps;
  const metadata = { ...object.metadata, namespace: bed.namespace };
  return bed.client.create(resource, { ...object, metadata });
};

/** How often an account has read an object by its name, and listed it to watch it. */
async function requestsFor(account: string, name: string) {
  const all = await cluster.requestsOf({ namespace: bed.namespace, name: account });
  const count = (verb: string) =>
    all.filter((one) => one.verb === verb && one.name === name).length;
  return { get: count('get'), list: count('list') };
}

const untilWatched = async (count: number) => {
  const look = async () =>
    expect(await openWatches(bed.client, deployments, 'resource')).toBe(count);
  await vi.waitFor(look, { timeout: 30_000, interval: 200 });
};

test('what others have made is watched as the account, read once, and seen at once', async () => {
  const spec = {
    nodeSelector: { 'foreign-health': 'yes' },
    containers: [{ name: 'main', image: 'example/web:1' }],
  };
  const templateOf = (app: string) => ({ template: { metadata: { labels: { app } }, spec } });
  const names = ['first', 'second'];
  await deploy(
    'waiting',
    'tenant',
    names.map((name) => reference('apps/v1', 'Deployment', name)),
  );
  await untilWatched(2);
  for (const name of names) await create(deployment(name, 1, templateOf(name)));
  // What is over within a second is not shown; what is looked at by the clock reads nothing either.
  await clock.advance(1_000);
  await bed.when((object) => conditionOf(object, 'Healthy')?.status === 'Unknown', 'waiting');
  for (let looks = 0; looks < 3; looks++) await clock.advance(15_000);
  await labelNodes(bed.client, 'foreign-health');
  await bed.ready('r1', 'waiting');
  for (const name of names) expect(await requestsFor('tenant', name)).toEqual({ get: 1, list: 1 });
  await untilWatched(0);
});

test('what is healthy already is read once, and not watched', async () => {
  await create(configMap('there'));
  await bed.publish({ 'a.yaml': configMap('glad') }, 'r1', 'glad');
  await bed.apply(
    {
      sourceRef: { kind: 'ExternalArtifact', name: 'glad' },
      serviceAccountName: 'tenant',
      healthChecks: [reference('v1', 'ConfigMap', 'there')],
    },
    'glad',
  );
  await bed.ready('r1', 'glad');
  expect(await requestsFor('tenant', 'there')).toEqual({ get: 1, list: 0 });
});

test('an account that may not watch reads now and then, which is said once', async () => {
  await deploy('polling', 'poor', [reference('v1', 'ConfigMap', 'unwatched')]);
  const refused = () => bed.log().match(/An object cannot be watched.*/g) ?? [];
  await vi.waitFor(() => expect(refused()).toHaveLength(1), { timeout: 30_000 });
  await create(configMap('unwatched'));
  const look = async () => {
    await clock.advance(2_000);
    expect(conditionOf(await bed.get('polling'))?.status).toBe('True');
  };
  await vi.waitFor(look, { timeout: 30_000, interval: 200 });
  expect(refused()).toHaveLength(1);
});

test.each([
  ['suspended', () => bed.patch({ suspend: true }, 'idle-suspended')],
  ['deleted', () => bed.remove('idle-deleted')],
])('the watches end of what is %s', async (what, act) => {
  await deploy(`idle-${what}`, 'tenant', [reference('apps/v1', 'Deployment', 'nowhere')]);
  await untilWatched(1);
  await act();
  await untilWatched(0);
});
