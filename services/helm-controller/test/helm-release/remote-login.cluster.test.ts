import type { KubeObject } from '@sluice/shared/api';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import {
  createNamespace,
  startTrustingCluster,
  type TrustingCluster,
  until,
  untilGone,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, secrets, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const audience = 'https://remote.example.com';
const name = 'deployer';

let remote: TrustingCluster;
let bed: Bed;
beforeAll(async () => {
  bed = await startBed([
    '--feature-gates=ObjectLevelWorkloadIdentity=true',
    `--default-kubeconfig-service-account=${name}`,
  ]);
  const { client, namespace } = bed;
  remote = await startTrustingCluster(audience);
  await createNamespace(remote.client, namespace);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
  await client.create(coreResources.serviceAccounts, account);
  await remote.allow({ namespace, name }, ['configmaps', 'secrets']);
  await bed.publish(chart());
});
afterAll(async () => {
  await bed?.stop();
  await remote?.stop();
});

const keyOf = (key: string) => ({ namespace: bed.namespace, name: key });

/** Describes the other cluster in a ConfigMap. */
async function describeCluster(key: string, audiences: string) {
  const metadata = { name: key, namespace: bed.namespace };
  const data = { provider: 'generic', address: remote.server, 'ca.crt': remote.ca, audiences };
  await bed.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  return { kubeConfig: { configMapRef: { name: key } } };
}

test('a release is made in the cluster of the ConfigMap, as the account that the flag chooses', async () => {
  const spec = await describeCluster('cluster', audience);
  await bed.apply({ ...spec, driftDetection: { mode: 'enabled' } });
  await bed.ready('1.0.0');
  const here = await bed.client.get(configMaps, keyOf('app')).catch((error: unknown) => error);
  expect(isNotFound(here)).toBe(true);
  await until(remote.client, secrets, keyOf('sh.helm.release.v1.app.v1'), () => true);
  const patch = { data: { text: 'by hand' } };
  await remote.client.patch(configMaps, keyOf('app'), patch, { type: 'merge' });
  await until<ConfigMap>(
    remote.client,
    configMaps,
    keyOf('app'),
    (o) => o.data?.['text'] === 'default',
  );
  await bed.patch({ values: { text: 'new' } });
  await until<ConfigMap>(
    remote.client,
    configMaps,
    keyOf('app'),
    (o) => o.data?.['text'] === 'new',
  );
  await bed.remove();
  await untilGone(remote.client, configMaps, keyOf('app'));
});

test('a login that the cluster refuses is told', async () => {
  const spec = await describeCluster('refused', 'https://other.example.com');
  await bed.apply(spec, 'refused');
  const isRefused = /Unauthorized/;
  const object = await bed.when(
    (o) => conditionOf(o)?.status === 'False' && isRefused.test(conditionOf(o)?.message ?? ''),
    'refused',
  );
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
  const made = await remote.client.get(configMaps, keyOf('refused')).catch((e: unknown) => e);
  expect(isNotFound(made)).toBe(true);
});
