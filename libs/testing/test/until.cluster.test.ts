import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace, until, untilGone } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';

const { configMaps } = coreResources;
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'until');
});

interface ConfigMap {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  data?: Record<string, string>;
}

function configMap(name: string, data: Record<string, string>): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

test('resolves with an object that is already as wanted', async () => {
  await client.create(configMaps, configMap('already', { a: '1' }));
  const found = await until<ConfigMap>(
    client,
    configMaps,
    { namespace, name: 'already' },
    (o) => o.data?.['a'] === '1',
  );
  expect(found.metadata.name).toBe('already');
});

test('sees an object created later and changed after that', async () => {
  const key = { namespace, name: 'later' };
  const found = until<ConfigMap>(client, configMaps, key, (o) => o.data?.['a'] === '2');
  await client.create(configMaps, configMap('later', { a: '1' }));
  await client.patch(configMaps, key, { data: { a: '2' } }, { type: 'merge' });
  expect((await found).data).toEqual({ a: '2' });
});

test('a timeout shows the last object and why the predicate threw', async () => {
  await client.create(configMaps, configMap('never', { colour: 'blue' }));
  const waiting = until<ConfigMap>(
    client,
    configMaps,
    { namespace, name: 'never' },
    (o) => {
      expect(o.data?.['colour']).toBe('red');
      return true;
    },
    { timeoutMs: 500 },
  );
  const error = (await waiting.catch((e) => e)) as Error;
  expect(error.message).toMatch(/^ConfigMap until-\w+\/never: not as wanted within 500 ms/);
  expect(error.message).toContain('colour: blue');
  expect(error.message).toContain('the predicate threw');
});

test('a timeout says that the object does not exist', async () => {
  const key = { namespace, name: 'absent' };
  await expect(until(client, configMaps, key, () => true, { timeoutMs: 300 })).rejects.toThrow(
    'the object does not exist',
  );
});

test('a refusal by the API server is thrown at once', async () => {
  const stranger = client.impersonate({ user: 'nobody' });
  const key = { namespace, name: 'x' };
  await expect(until(stranger, configMaps, key, () => true)).rejects.toMatchObject({ status: 403 });
});

test('sees that an object is gone', async () => {
  const key = { namespace, name: 'leaving' };
  await client.create(configMaps, configMap('leaving', {}));
  const gone = untilGone(client, configMaps, key);
  await client.delete(configMaps, key);
  await gone;
  await untilGone(client, configMaps, key);
});
