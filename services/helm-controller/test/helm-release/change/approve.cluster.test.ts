import type { KubeObject } from '@sluice/shared/api';
import { assertStatusContract, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, startBed } from '../harness.ts';
import { isApplied } from '../is-applied.ts';
import { planOf, say, untilHeld } from './changes.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const sourceOf = (name: string) => ({ chartRef: { kind: 'ExternalArtifact' as const, name } });
const holds = (name: string, data: Record<string, string>) =>
  until<ConfigMap>(bed.client, configMaps, keyOf(name), (o) => {
    expect(o.data).toMatchObject(data);
    return true;
  });

test('a new chart waits for an approval while drift is corrected, and the next waits anew', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'web');
  await bed.apply({ ...sourceOf('web'), driftDetection: { mode: 'enabled' } }, 'web');
  await bed.ready('1.0.0', 'web');
  await bed.patch({ changePolicy: { mode: 'Approve' } }, 'web');
  await bed.publish(chart('2.0.0'), '2.0.0', 'web');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'web' });
  assertStatusContract(held);
  expect(conditionOf(held)).toMatchObject({ status: 'True', reason: 'InstallSucceeded' });
  expect(held.status).toMatchObject({
    lastAttemptedRevision: '1.0.0',
    history: [{ chartVersion: '1.0.0' }],
    plan: { revision: '2.0.0', create: 0, change: 1, delete: 0 },
  });
  const plan = await planOf(bed, 'web');
  expect(plan?.spec).toMatchObject({
    digest: held.status?.plan?.digest,
    targetRef: { kind: 'HelmRelease', name: 'web' },
    objects: [{ action: 'Change', kind: 'ConfigMap', name: 'web' }],
  });
  expect(plan?.spec.objects[0]?.changes).toContainEqual(
    expect.objectContaining({ before: '1.0.0', after: '2.0.0' }),
  );

  await bed.client.patch(configMaps, keyOf('web'), { data: { text: 'live' } }, byHand);
  await bed.event((e) => e.reason === 'DriftCorrected' && e.involvedObject.name === 'web');
  await holds('web', { text: 'default', version: '1.0.0' });

  const { digest } = held.status?.plan ?? {};
  await say(bed, 'web', { digest });
  const ready = await bed.ready('2.0.0', 'web');
  await holds('web', { version: '2.0.0' });
  expect(ready.status?.change).toMatchObject({ plan: digest, revision: '2.0.0' });
  expect(ready.status?.change?.healthy).toBe(ready.status?.change?.digest);
  expect(ready.status).not.toHaveProperty('held');
  expect(ready.status).not.toHaveProperty('plan');
  expect(conditionOf(ready, 'Held')).toBeUndefined();
  expect(await planOf(bed, 'web')).toBeUndefined();

  await bed.publish(chart('3.0.0'), '3.0.0', 'web');
  const next = await untilHeld(bed, { reason: 'Approval', name: 'web', not: digest });
  expect(next.status?.plan).toMatchObject({ revision: '3.0.0' });
  await holds('web', { version: '2.0.0' });
});

test('the first install waits as well, and is not ready meanwhile', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'first');
  await bed.apply({ ...sourceOf('first'), changePolicy: { mode: 'Approve' } }, 'first');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'first' });
  assertStatusContract(held);
  expect(conditionOf(held)).toMatchObject({ status: 'False', reason: 'Held' });
  expect(held.status?.plan).toMatchObject({ create: 1, change: 0, delete: 0 });
  expect(await isApplied(bed, 'first')).toBe(false);
  await say(bed, 'first', { digest: held.status?.plan?.digest });
  await bed.ready('1.0.0', 'first');
});

test('only enough users who approve this very plan of this object count, and a rejection outweighs them', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'two');
  await bed.apply({ ...sourceOf('two'), changePolicy: { mode: 'Approve', approvals: 2 } }, 'two');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'two' });
  const { digest } = held.status?.plan ?? {};
  const other = `sha256:${'0'.repeat(64)}`;
  await say(bed, 'two', { digest: other, user: 'one' });
  await say(bed, 'another', { digest, user: 'two' });
  await say(bed, 'two', { digest, user: 'three', kind: 'Kustomization' });
  await say(bed, 'two', { digest, user: 'four', namespace: 'default' });
  await say(bed, 'two', { digest, user: 'jane' });
  await say(bed, 'two', { digest, user: 'jane' });
  const still = await bed.when((o) => /1 of 2/.test(conditionOf(o, 'Held')?.message ?? ''), 'two');
  expect(still.status?.held?.reason).toBe('Approval');
  await say(bed, 'two', { digest, user: 'joe', decision: 'Reject' });
  const rejected = await untilHeld(bed, { reason: 'Rejected', name: 'two' });
  assertStatusContract(rejected);
  await say(bed, 'two', { digest, user: 'jim' });
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, 'two');
  const asked = await bed.when((o) => o.status?.lastHandledReconcileAt === 'now', 'two');
  expect(asked.status?.held?.reason).toBe('Rejected');
  expect(await isApplied(bed, 'two')).toBe(false);
});
