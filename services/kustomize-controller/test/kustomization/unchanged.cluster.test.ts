import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, configMap, configMaps, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

/** As `kubectl edit` does it. */
const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const files = (news: string) => ({
  'same.yaml': configMap('same', { k: 'v' }),
  'news.yaml': configMap('news', { news }),
});

/** Waits until the watch has seen everything so far: what is edited now and undone, it sees after it. */
async function watchCaughtUp(): Promise<void> {
  const key = { namespace: bed.namespace, name: 'news' };
  const { data } = await bed.client.get<ConfigMap>(configMaps, key);
  await bed.client.patch(configMaps, key, { data: { news: 'edited' } }, byHand);
  await until<ConfigMap>(bed.client, configMaps, key, (o) => o.data?.['news'] === data?.['news']);
}

/** Publishes a revision in which the other object changes. */
async function roll(revision: string): Promise<void> {
  await watchCaughtUp();
  await bed.publish(files(revision), revision);
  await bed.ready(revision);
}

async function settled(predicate: (object: ConfigMap) => boolean): Promise<ConfigMap> {
  const key = { namespace: bed.namespace, name: 'same' };
  return until<ConfigMap>(bed.client, configMaps, key, predicate);
}

/** When the server says that we last changed an object. */
const appliedAt = ({ metadata }: KubeObject) =>
  metadata.managedFields?.find(({ manager }) => manager === 'kustomize-controller')?.time;

const extra = (name: string) => (object: ConfigMap) => object.data?.[name] === undefined;

test('an object that did not change loses with the next revision what others have added in its name', async () => {
  const key = { namespace: bed.namespace, name: 'same' };
  await bed.publish(files('r1'), 'r1');
  await bed.apply();
  await bed.ready('r1');
  const first = await settled(() => true);

  // Nothing has happened to it: it stays as it is, to the last byte of what the server writes down.
  await roll('r2');
  expect((await settled(() => true)).metadata).toEqual(first.metadata);

  // A field that the source does not have is no drift.
  await bed.client.patch(configMaps, key, { data: { byHand: '1' } }, byHand);
  await roll('r3');
  await settled(extra('byHand'));

  // As another process of the same name does: in another second than ours, by which the server tells them apart.
  const before = appliedAt(await settled(() => true));
  const { labels } = first.metadata;
  const options = { fieldManager: 'kustomize-controller', force: true };
  let tries = 0;
  await vi.waitFor(
    async () => {
      const data = { k: 'v', byName: `${++tries}` };
      const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...key, labels }, data };
      const { object } = await bed.client.apply(configMaps, manifest, options);
      expect(appliedAt(object)).not.toBe(before);
    },
    { timeout: 30_000, interval: 100 },
  );
  await roll('r4');
  await settled(extra('byName'));
  expect(await settled(() => true)).toMatchObject({ data: { k: 'v' } });
});
