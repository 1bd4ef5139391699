import type { KubeObject } from '@sluice/shared/api';
import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  kustomizations,
  startBed,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

test('a revision is applied, an upgrade changes and prunes, and deletion removes everything', async () => {
  const { client, namespace } = bed;
  const get = (name: string) => client.get<ConfigMap>(configMaps, { namespace, name });

  await bed.publish(
    { 'a.yaml': configMap('a', { k: '1' }), 'b.yaml': configMap('b') },
    'main@sha1:1',
  );
  await bed.apply({ commonMetadata: { labels: { team: 'x' }, annotations: { note: 'y' } } });
  const first = await bed.ready('main@sha1:1');
  expect(conditionOf(first)?.message).toBe('Applied revision: main@sha1:1');
  expect(first.status?.inventory?.entries).toEqual([
    { id: `${namespace}_a__ConfigMap`, v: 'v1' },
    { id: `${namespace}_b__ConfigMap`, v: 'v1' },
  ]);
  expect(first.status?.history).toMatchObject([
    { lastReconciledStatus: 'ReconciliationSucceeded', totalReconciliations: 1 },
  ]);
  const a = await get('a');
  expect(a.metadata.labels).toEqual({
    team: 'x',
    'kustomize.toolkit.fluxcd.io/name': 'app',
    'kustomize.toolkit.fluxcd.io/namespace': namespace,
  });
  expect(a.metadata.annotations).toEqual({ note: 'y' });

  await bed.publish(
    { 'a.yaml': configMap('a', { k: '2' }), 'c.yaml': configMap('c') },
    'main@sha1:2',
  );
  const second = await bed.ready('main@sha1:2');
  expect((await get('a')).data).toEqual({ k: '2' });
  await untilGone(client, configMaps, { namespace, name: 'b' });
  expect(second.status?.inventory?.entries.map((entry) => entry.id)).toEqual([
    `${namespace}_a__ConfigMap`,
    `${namespace}_c__ConfigMap`,
  ]);
  expect(
    bed.events.map(({ severity, reason, message }) => ({ severity, reason, message })),
  ).toEqual([
    {
      severity: 'info',
      reason: 'Progressing',
      message: expect.stringMatching(
        `^ConfigMap/${namespace}/[ab] created\nConfigMap/${namespace}/[ab] created$`,
      ),
    },
    {
      severity: 'info',
      reason: 'ReconciliationSucceeded',
      message: expect.stringMatching(/^Reconciliation finished in .*, next run in 10m$/),
    },
    { severity: 'info', reason: 'Progressing', message: expect.stringContaining('/a configured') },
    { severity: 'info', reason: 'Progressing', message: `ConfigMap/${namespace}/b deleted` },
    { severity: 'info', reason: 'ReconciliationSucceeded', message: expect.anything() },
  ]);
  expect(bed.events.at(-1)?.metadata).toEqual({
    'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:2',
    'kustomize.toolkit.fluxcd.io/commit_status': 'update',
  });

  await client.delete(kustomizations, { namespace, name: 'app' });
  await untilGone(client, kustomizations, { namespace, name: 'app' });
  await untilGone(client, configMaps, { namespace, name: 'a' });
  await untilGone(client, configMaps, { namespace, name: 'c' });
});

test('of a pruned object that finalizers hold it is said that its deletion is requested', async () => {
  const { client, namespace } = bed;
  const metadata = { name: 'held', finalizers: ['test.sluice.dev/hold'] };
  const finalized = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  await bed.publish({ 'a.yaml': configMap('stays'), 'held.yaml': finalized }, 'main@sha1:held');
  await bed.apply({}, 'holding');
  await bed.ready('main@sha1:held', 'holding');
  await bed.publish({ 'a.yaml': configMap('stays') }, 'main@sha1:freed');
  await bed.ready('main@sha1:freed', 'holding');
  await bed.event(({ message }) => message === `ConfigMap/${namespace}/held deletion requested`);
  const key = { namespace, name: 'held' };
  await client.patch(configMaps, key, { metadata: { finalizers: null } }, { type: 'merge' });
  await untilGone(client, configMaps, key);
  await client.delete(kustomizations, { namespace, name: 'holding' });
  await untilGone(client, kustomizations, { namespace, name: 'holding' });
});

test('a revision that does not touch the inputs is taken over without building or applying', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'app/a.yaml': configMap('same'), 'other.txt': '1' }, 'r1');
  await bed.apply({ path: './app' }, 'same');
  await bed.ready('r1', 'same');
  const before = await client.get(configMaps, { namespace, name: 'same' });
  const seen = bed.events.length;

  await bed.publish({ 'app/a.yaml': configMap('same'), 'other.txt': '2' }, 'r2');
  const object = await bed.ready('r2', 'same');

  expect(object.status?.lastAttemptedRevision).toBe('r2');
  expect((await client.get(configMaps, { namespace, name: 'same' })).metadata.resourceVersion).toBe(
    before.metadata.resourceVersion,
  );
  expect(bed.events.slice(seen).map((event) => event.reason)).toEqual(['ReconciliationSucceeded']);
});

test('suspended, nothing happens; resumed, the latest revision is applied', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'a.yaml': configMap('s', { v: '1' }) }, 's1');
  await bed.apply({}, 'suspended');
  await bed.ready('s1', 'suspended');
  await bed.patch({ suspend: true }, 'suspended');
  await bed.publish({ 'a.yaml': configMap('s', { v: '2' }) }, 's2');
  await bed.apply({ namePrefix: 'witness-' }, 'witness');
  await bed.ready('s2', 'witness');
  const untouched = await client.get<ConfigMap>(configMaps, { namespace, name: 's' });
  expect(untouched.data).toEqual({ v: '1' });
  await bed.patch({ suspend: false }, 'suspended');
  await bed.ready('s2', 'suspended');
  await until<ConfigMap>(
    client,
    configMaps,
    { namespace, name: 's' },
    (o) => o.data?.['v'] === '2',
  );
});
