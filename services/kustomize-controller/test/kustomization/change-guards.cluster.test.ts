import type { KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changesOn } from './change-bed.ts';
import { type Bed, conditionOf, configMap, configMaps, startBed } from './harness.ts';
import { rollbacksOn, sourceOf } from './rollback-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const { dataOf, isThere } = rollbacksOn(() => bed);
const { decide, held, planOf } = changesOn(() => bed);

test('with the mode Plan nothing is applied, and a plan that would do nothing is none', async () => {
  await bed.publish({ 'a.yaml': configMap('planned-a', { k: '1' }) }, 'r1', 'planned');
  await bed.apply(sourceOf('planned'), 'planned');
  await bed.ready('r1', 'planned');
  await bed.patch({ changePolicy: { mode: 'Plan' } }, 'planned');
  const idle = await bed.ready('r1', 'planned');
  expect(idle.status?.plan).toBeUndefined();
  await bed.publish({ 'a.yaml': configMap('planned-a', { k: '2' }) }, 'r2', 'planned');
  const { digest } = await held('planned', 'r2', 'Plan');
  await decide('planned', { planDigest: digest });
  await bed.annotate(
    {
      'delivery.sluice.dev/override-plan': digest,
      'delivery.sluice.dev/override-reason': 'now',
      'reconcile.fluxcd.io/requestedAt': 'later',
    },
    'planned',
  );
  await bed.when(({ status }) => status?.lastHandledReconcileAt === 'later', 'planned');
  expect(await dataOf('planned-a')).toEqual({ k: '1' });
  // What is planned no more is withdrawn.
  await bed.publish({ 'a.yaml': configMap('planned-a', { k: '1' }) }, 'r3', 'planned');
  const back = await bed.ready('r3', 'planned');
  expect(back.status?.plan).toBeUndefined();
});

test('a guard stops a change that deletes too much before its first write', async () => {
  const maps = (names: string[], v: string) =>
    Object.fromEntries(names.map((name) => [`${name}.yaml`, configMap(`guarded-${name}`, { v })]));
  await bed.publish(maps(['a', 'b', 'c', 'd'], '1'), 'r1', 'guarded');
  await bed.apply(
    { ...sourceOf('guarded'), changePolicy: { pruneGuard: { maxObjects: 1 } } },
    'guarded',
  );
  await bed.ready('r1', 'guarded');
  await bed.publish(maps(['a', 'b', 'c'], '2'), 'r2', 'guarded');
  await bed.ready('r2', 'guarded');
  expect(await isThere('guarded-d')).toBe(false);

  await bed.publish(maps(['a'], '3'), 'r3', 'guarded');
  const { object, digest } = await held('guarded', 'r3', 'PruneGuard');
  expect(conditionOf(object)).toMatchObject({
    status: 'False',
    reason: 'PruneGuard',
    message: expect.stringContaining('it would delete 2 of 3 objects'),
  });
  expect(await dataOf('guarded-a')).toEqual({ v: '2' });
  expect((await planOf(object)).spec.objects.map(({ action, name }) => [action, name])).toEqual([
    ['Delete', 'guarded-b'],
    ['Delete', 'guarded-c'],
    ['Change', 'guarded-a'],
  ]);
  const event = await bed.event(({ reason }) => reason === 'PruneGuard');
  expect(event.message).toContain('guarded-b deleted');
  await bed.annotate(
    {
      'delivery.sluice.dev/override-plan': digest,
      'delivery.sluice.dev/override-reason': 'clean-up',
      'delivery.sluice.dev/override-by': 'oncall',
    },
    'guarded',
  );
  await bed.ready('r3', 'guarded');
  expect(await isThere('guarded-b')).toBe(false);
  const override = await bed.event(({ reason }) => reason === 'PlanOverridden');
  expect(override).toMatchObject({
    severity: 'error',
    message: expect.stringContaining('overridden by oncall: clean-up'),
  });
});

test('what an approved change could not apply at first is applied later without being approved again', async () => {
  const { client, namespace } = bed;
  const half = configMap('half-a', { k: '1' });
  const broken = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'half-b' },
    immutable: true,
    data: { k: 'wanted' },
  });
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'half-b', namespace },
    immutable: true,
    data: { k: 'in the way' },
  } as KubeObject);
  await bed.publish({ 'a.yaml': half, 'b.yaml': broken }, 'r1', 'half');
  await bed.apply(
    { ...sourceOf('half'), retryInterval: '1s', changePolicy: { mode: 'Approve' } },
    'half',
  );
  const { object, digest } = await held('half', 'r1', 'Approval');
  expect((await planOf(object)).spec.objects).toMatchObject([
    { action: 'Change', name: 'half-b', note: expect.stringContaining('would be refused') },
    { action: 'Create', name: 'half-a' },
  ]);
  await decide('half', { planDigest: digest });
  await bed.failed('ReconciliationFailed', 'half');
  expect(await isThere('half-a')).toBe(true);
  await client.delete(configMaps, { namespace, name: 'half-b' });
  await bed.ready('r1', 'half');
  expect(await dataOf('half-b')).toEqual({ k: 'wanted' });
});
