import type { KubeObject } from '@sluice/shared/api';
import {
  createLiveObjects,
  type LiveChange,
  type LiveObjects,
  OwnedObjects,
} from '@sluice/shared/engine';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configMap, identity, owned, prefix } from '../engine-objects.ts';

const { configMaps } = coreResources;
let client: KubeClient;
let namespace: string;
let live: LiveObjects;
let objects: OwnedObjects;
let ours: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'owned');
  ours = `ours-${namespace}`;
  const labelSelector = `${prefix}/name in (${ours}, theirs-${namespace})`;
  live = createLiveObjects({ client, identity, labelSelector });
  const held = ['held', 'gone', 'relabelled', 'leaves'].map(
    (name) => `${namespace}_${name}__ConfigMap`,
  );
  const owner = { name: ours, namespace: 'flux-system' };
  objects = new OwnedObjects({ live, identity, owner, holds: (id) => held.includes(id) });
  const make = (name: string, label: string) =>
    client.create<KubeObject>(configMaps, owned(configMap(namespace, name, { k: 'v' }), label));
  await make('held', ours);
  await make('leaves', ours);
  await make('not-held', ours);
  await make('relabelled', `theirs-${namespace}`);
  await make('foreign', `theirs-${namespace}`);
});
afterAll(() => live.stop());

const cases = [
  { name: 'held', shown: true, covered: true },
  { name: 'gone', shown: false, covered: true },
  { name: 'not-held', shown: false, covered: false },
  { name: 'relabelled', shown: false, covered: false },
  { name: 'foreign', shown: false, covered: false },
  { name: 'absent', shown: false, covered: false },
];

test.for(cases)('labels and inventory decide together: $name', async ({ name, shown, covered }) => {
  expect(objects.covers(configMaps, { namespace, name: 'held' })).toBe(
    objects.isSynced(configMaps),
  );
  await objects.ensure(configMaps);
  expect(objects.get(configMaps, { namespace, name }) !== undefined).toBe(shown);
  expect(objects.covers(configMaps, { namespace, name })).toBe(covered);
});

test('a listener hears of its own objects, and of those that it loses without what they hold', async () => {
  await objects.ensure(configMaps);
  const heard: LiveChange[] = [];
  const lost = Promise.withResolvers<void>();
  const stop = objects.onChange((change) => {
    heard.push(change);
    if (change.type === 'deleted') lost.resolve();
  });
  const edit = (name: string, patch: object) =>
    client.patch(configMaps, { namespace, name }, patch, { type: 'merge' });
  await edit('foreign', { data: { k: 'secret' } });
  await edit('not-held', { data: { k: 'secret' } });
  await edit('held', { data: { k: 'new' } });
  const labels = { [`${prefix}/name`]: `theirs-${namespace}` };
  await edit('leaves', { metadata: { labels }, data: { k: 'secret' } });
  await lost.promise;
  stop();
  expect(heard.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
    'modified held',
    'deleted leaves',
  ]);
  expect(JSON.stringify(heard)).not.toContain('secret');
});
