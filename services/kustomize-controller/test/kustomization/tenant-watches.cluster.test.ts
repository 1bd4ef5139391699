import type { KubeObject, KustomizationSpec } from '@sluice/shared/api';
import {
  changeTenant,
  labelNodes,
  openWatches,
  type RestrictedCluster,
  startRestrictedCluster,
  tenantAccount,
  until,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, deployment, deployments, startBed } from './harness.ts';

type Deployment = KubeObject & { spec: { replicas: number } };

const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
const rightsOf = (...verbs: string[]) => [
  { apiGroups: ['apps'], resources: ['deployments'], verbs },
];

let cluster: RestrictedCluster;
/** The interval is longer than the test may take, so only a watch can help. */
let bed: Bed;
beforeAll(async () => {
  cluster = await startRestrictedCluster();
  bed = await startBed([], { cluster, wrap: () => cluster.controller });
  const { client, namespace } = bed;
  await tenantAccount(client, { namespace, name: 'tenant' });
  const poor = { namespace, name: 'poor' };
  await tenantAccount(client, poor, rightsOf('get', 'create', 'patch', 'delete'));
});
afterAll(async () => {
  await bed?.stop();
  await cluster?.stop();
});

/** Applies a Deployment as an account. */
async function deploy(
  name: string,
  account: string,
  o: { manifest?: string; spec?: Partial<KustomizationSpec> } = {},
): Promise<void> {
  await bed.publish({ 'web.yaml': o.manifest ?? deployment(name) }, 'r1', name);
  const sourceRef = { kind: 'ExternalArtifact' as const, name };
  await bed.apply({ sourceRef, serviceAccountName: account, ...o.spec }, name);
}

const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const edit = (name: string) =>
  bed.client.patch<Deployment>(deployments, keyOf(name), { spec: { replicas: 3 } }, byHand);
const healed = (name: string) =>
  until<Deployment>(bed.client, deployments, keyOf(name), (o) => o.spec.replicas === 0);
/** How often an account has read an object by its name. */
async function readsOf(account: string, name: string): Promise<number> {
  const requests = await cluster.requestsOf({ namespace: bed.namespace, name: account });
  return requests.filter((one) => one.verb === 'get' && one.name === name).length;
}

test('what the controller may not watch is watched as the account, and drift is healed at once', async () => {
  await deploy('drifting', 'tenant');
  await bed.ready('r1', 'drifting');
  await edit('drifting');
  await healed('drifting');
  const { client, namespace } = bed;
  const { metadata } = await client.get(deployments, keyOf('drifting'));
  await client.delete(deployments, keyOf('drifting'));
  await until(client, deployments, keyOf('drifting'), (o) => o.metadata.uid !== metadata.uid);
  await bed.event((e) => e.message === `Deployment/${namespace}/drifting deleted; created again`);
  expect(await openWatches(client, deployments, 'namespace')).toBe(1);
});

test('health is seen by the watch, without a single read', async () => {
  const spec = {
    nodeSelector: { 'tenant-watches': 'yes' },
    containers: [{ name: 'main', image: 'example/web:1' }],
  };
  const template = { metadata: { labels: { app: 'slow' } }, spec };
  const manifest = deployment('slow', 1, { template });
  await deploy('slow', 'tenant', { manifest, spec: { wait: true, timeout: '5m' } });
  await bed.when((o) => conditionOf(o, 'Healthy')?.status === 'Unknown', 'slow');
  await labelNodes(bed.client, 'tenant-watches');
  await bed.ready('r1', 'slow');
  expect(await readsOf('tenant', 'slow')).toBe(0);
});

test('a dependency is watched as the account, alone and while it is waited for', async () => {
  const { client } = bed;
  const dependsOn = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'needed', ready: true }];
  await deploy('dependant', 'tenant', { spec: { dependsOn } });
  await bed.failed('DependencyNotReady', 'dependant');
  await deploy('needed', 'tenant');
  await bed.ready('r1', 'dependant');
  await expect.poll(() => openWatches(client, deployments, 'resource')).toBe(0);
});

test('an account without the right sees nothing of what another one watches, until it gets it', async () => {
  const { client, namespace } = bed;
  await deploy('unseen', 'poor');
  await bed.ready('r1', 'unseen');
  await edit('unseen');
  // What is changed after it is healed before it.
  await edit('drifting');
  await healed('drifting');
  expect((await client.get<Deployment>(deployments, keyOf('unseen'))).spec.replicas).toBe(3);
  const refusals = bed.log().match(/A kind cannot be watched.*/g) ?? [];
  expect(refusals).toHaveLength(1);
  await changeTenant(client, { namespace, name: 'poor' }, rightsOf('*'));
  await healed('unseen');
  expect(await openWatches(client, deployments, 'namespace')).toBe(2);
});

test('a watch ends with the last one that needs it', async () => {
  const { client } = bed;
  await bed.publish({ 'none.yaml': '' }, 'r2', 'unseen');
  await bed.patch({ prune: false }, 'unseen');
  await bed.ready('r2', 'unseen');
  await expect.poll(() => openWatches(client, deployments, 'namespace')).toBe(1);
  for (const name of ['drifting', 'slow', 'dependant']) await bed.remove(name);
  await deploy('last', 'tenant');
  await bed.ready('r1', 'last');
  expect(await openWatches(client, deployments, 'namespace')).toBe(1);
  for (const name of ['needed', 'last']) await bed.remove(name);
  await expect.poll(() => openWatches(client, deployments, 'namespace')).toBe(0);
});
