import type { HelmReleaseSpec, KubeObject } from '@sluice/shared/api';
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
import { type Bed, chart, conditionOf, deployments, startBed } from './harness.ts';

type Deployment = KubeObject & { spec: { replicas: number } };

const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
const rightsOf = (...verbs: string[]) => [
  { apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs },
];

/** A Deployment with the values `replicas` and `node`, a label that its Pods want. */
const template = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas | default 0 }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      {{- with .Values.node }}
      nodeSelector: { {{ . }}: "yes" }
      {{- end }}
      containers: [{ name: main, image: example/web:1 }]
`;

let cluster: RestrictedCluster;
/** The interval is longer than the test may take, so only a watch can help. */
let bed: Bed;
beforeAll(async () => {
  cluster = await startRestrictedCluster();
  bed = await startBed([], { cluster, wrap: () => cluster.controller });
  const { client, namespace } = bed;
  await bed.publish(chart('1.0.0', { 'templates/web.yaml': template }));
  await tenantAccount(client, { namespace, name: 'tenant' });
  const poor = { namespace, name: 'poor' };
  await tenantAccount(client, poor, rightsOf('get', 'create', 'patch', 'delete'));
});
afterAll(async () => {
  await bed?.stop();
  await cluster?.stop();
});

/** Installs the chart as an account. */
const install = (name: string, account: string, spec: Partial<HelmReleaseSpec> = {}) =>
  bed.apply({ serviceAccountName: account, driftDetection: { mode: 'enabled' }, ...spec }, name);

const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const edit = (name: string) =>
  bed.client.patch<Deployment>(deployments, keyOf(name), { spec: { replicas: 3 } }, byHand);
const healed = (name: string) =>
  until<Deployment>(bed.client, deployments, keyOf(name), (o) => o.spec.replicas === 0);

test('what the controller may not watch is watched as the account, and drift is healed at once', async () => {
  await install('drifting', 'tenant');
  await bed.ready('1.0.0', 'drifting');
  await edit('drifting');
  await healed('drifting');
  const { client } = bed;
  const { metadata } = await client.get(deployments, keyOf('drifting'));
  await client.delete(deployments, keyOf('drifting'));
  await until(client, deployments, keyOf('drifting'), (o) => o.metadata.uid !== metadata.uid);
  expect(await openWatches(client, deployments, 'namespace')).toBe(1);
});

test('health is seen by the watch, without a read after the apply', async () => {
  const { client, namespace } = bed;
  const reads = async () => {
    const requests = await cluster.requestsOf({ namespace, name: 'tenant' });
    return requests.filter((one) => one.verb === 'get' && one.name === 'slow').length;
  };
  await install('slow', 'tenant', { values: { replicas: 1, node: 'tenant-watches' } });
  await until(client, deployments, keyOf('slow'), () => true);
  const isWaiting = (o: KubeObject) => conditionOf(o)?.message.includes('Deployment') === true;
  await bed.when(isWaiting, 'slow');
  const before = await reads();
  await labelNodes(client, 'tenant-watches');
  await bed.ready('1.0.0', 'slow');
  expect(await reads()).toBe(before);
});

test('a dependency is watched as the account, alone and while it is waited for', async () => {
  const { client } = bed;
  const dependsOn = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'needed', ready: true }];
  await install('dependant', 'tenant', { dependsOn });
  await bed.failed('DependencyNotReady', 'dependant');
  await install('needed', 'tenant');
  await bed.ready('1.0.0', 'dependant');
  await expect.poll(() => openWatches(client, deployments, 'resource')).toBe(0);
});

test('an account without the right sees nothing of what another one watches, until it gets it', async () => {
  const { client, namespace } = bed;
  await install('unseen', 'poor');
  await bed.ready('1.0.0', 'unseen');
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
  await bed.patch({ driftDetection: { mode: 'disabled' } }, 'unseen');
  await expect.poll(() => openWatches(client, deployments, 'namespace')).toBe(1);
  for (const name of ['drifting', 'slow', 'dependant']) await bed.remove(name);
  await install('last', 'tenant');
  await bed.ready('1.0.0', 'last');
  expect(await openWatches(client, deployments, 'namespace')).toBe(1);
  for (const name of ['needed', 'last']) await bed.remove(name);
  await expect.poll(() => openWatches(client, deployments, 'namespace')).toBe(0);
});
