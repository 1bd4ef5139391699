import type { KubeObject } from '@sluice/shared/api';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import {
  createNamespace,
  startTrustingCluster,
  type TrustingCluster,
  until,
  untilGone,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const audience = 'https://remote.example.com';
const { configMaps, serviceAccounts } = coreResources;

let remote: TrustingCluster;
let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--feature-gates=ObjectLevelWorkloadIdentity=true']);
  const { client, namespace } = bed;
  remote = await startTrustingCluster(audience);
  await createNamespace(remote.client, namespace);
  const name = 'deployer';
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
  await client.create(serviceAccounts, account);
  await remote.allow({ namespace, name }, ['configmaps']);
});
afterAll(async () => {
  await bed?.stop();
  await remote?.stop();
});

/** Describes the other cluster in a ConfigMap. */
async function describeCluster(name: string, change: Record<string, string | undefined> = {}) {
  const given = {
    provider: 'generic',
    address: remote.server,
    'ca.crt': remote.ca,
    audiences: `\n ${audience} \n`,
    serviceAccountName: 'deployer',
    ...change,
  };
  const data = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const metadata = { name, namespace: bed.namespace };
  await bed.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  return { kubeConfig: { configMapRef: { name } } };
}

const keyOf = (name: string) => ({ namespace: bed.namespace, name });

test('an object is applied to the cluster of the ConfigMap, kept as it should be, and pruned', async () => {
  const spec = await describeCluster('cluster');
  const { namespace } = bed;
  await bed.publish({ 'a.yaml': configMap('kept', { a: '1' }), 'b.yaml': configMap('left') }, 'r1');
  await bed.apply(spec);
  await bed.ready('r1');
  await until(remote.client, configMaps, keyOf('left'), () => true);
  const here = await bed.client.get(configMaps, keyOf('kept')).catch((error: unknown) => error);
  expect(isNotFound(here)).toBe(true);
  // A change by hand is undone.
  const patch = { data: { a: 'by hand' } };
  await remote.client.patch(configMaps, { namespace, name: 'kept' }, patch, { type: 'merge' });
  await until<ConfigMap>(
    remote.client,
    configMaps,
    keyOf('kept'),
    ({ data }) => data?.['a'] === '1',
  );
  await bed.publish({ 'a.yaml': configMap('kept', { a: '2' }) }, 'r2');
  await bed.ready('r2');
  await untilGone(remote.client, configMaps, keyOf('left'));
  await bed.remove();
  await untilGone(remote.client, configMaps, keyOf('kept'));
});

describe('the login is refused', () => {
  const cases = [
    {
      name: 'by-the-cluster',
      change: { audiences: 'https://other.example.com' },
      message: /Unauthorized/,
    },
    {
      name: 'for-the-controller',
      change: { serviceAccountName: undefined },
      message: /the controller's identity is not used where an object names the address/,
    },
    {
      name: 'without-an-account',
      change: { serviceAccountName: 'nobody' },
      message: /service account '.*\/nobody': it does not exist: create it/,
    },
    {
      name: 'at-a-guarded-address',
      change: { address: 'https://169.254.169.254' },
      message: /configMapRef.* cannot be used: server: host '169\.254\.169\.254' has .*refused/,
    },
    {
      name: 'at-an-unknown-provider',
      change: { provider: 'ldap' },
      message: /configMapRef.* provider must be aws, azure, gcp or generic: set it/,
    },
  ];
  test.each(cases)('$name', async ({ name, change, message }) => {
    const spec = await describeCluster(name, change);
    await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
    await bed.apply({ ...spec, sourceRef: { kind: 'ExternalArtifact', name } }, name);
    const object = await bed.when(
      (o) => conditionOf(o)?.status === 'False' && message.test(conditionOf(o)?.message ?? ''),
      name,
    );
    expect(conditionOf(object, 'Stalled')).toBeUndefined();
    const made = await remote.client.get(configMaps, keyOf(name)).catch((error: unknown) => error);
    expect(isNotFound(made)).toBe(true);
  });
});

test('an object whose ConfigMap is gone can be deleted', async () => {
  const name = 'leaving';
  const spec = await describeCluster(name);
  await bed.publish({ 'a.yaml': configMap('stays') }, 'r1', name);
  await bed.apply({ ...spec, sourceRef: { kind: 'ExternalArtifact', name } }, name);
  await bed.ready('r1', name);
  await bed.client.delete(configMaps, keyOf(name));
  await bed.remove(name);
  await until(remote.client, configMaps, keyOf('stays'), () => true);
});
