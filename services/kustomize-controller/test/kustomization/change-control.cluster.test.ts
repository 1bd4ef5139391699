import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changesOn, plans } from './change-bed.ts';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  secrets,
  startBed,
  stuck,
} from './harness.ts';
import { type ConfigMap, rollbacksOn, sourceOf } from './rollback-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const { dataOf, isThere } = rollbacksOn(() => bed);
const { decide, held, planOf } = changesOn(() => bed);

describe('with the mode Approve', () => {
  const policy = { changePolicy: { mode: 'Approve' as const } };

  test('nothing is created before the plan of it is approved', async () => {
    await bed.publish({ 'a.yaml': configMap('first-a', { k: '1' }) }, 'r1', 'first');
    await bed.apply({ ...sourceOf('first'), ...policy }, 'first');
    const { object, digest } = await held('first', 'r1', 'Approval');
    expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'Held' });
    expect(conditionOf(object, 'Held')?.message).toContain(digest);
    expect(await isThere('first-a')).toBe(false);
    expect(object.status?.plan).toMatchObject({ create: 1, change: 0, delete: 0, revision: 'r1' });
    const plan = await planOf(object);
    expect(plan.spec.objects).toEqual([
      {
        action: 'Create',
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: bed.namespace,
        name: 'first-a',
      },
    ]);
    const event = await bed.event(({ reason }) => reason === 'ApprovalRequired');
    expect(Object.values(event.metadata ?? {})).toContain(digest);
    await decide('first', { planDigest: digest });
    const ready = await bed.ready('r1', 'first');
    expect(await dataOf('first-a')).toEqual({ k: '1' });
    expect(ready.status?.held).toBeUndefined();
    expect(ready.status?.plan).toBeUndefined();
    expect(conditionOf(ready, 'Held')).toBeUndefined();
    expect(ready.status?.change).toMatchObject({ plan: digest, revision: 'r1' });
    expect(ready.status?.change?.healthy).toBe(ready.status?.change?.digest);
    await untilGone(bed.client, plans, plan.metadata);
  });

  test('what was approved stays, and its drift is corrected, while the next change waits', async () => {
    const { client, namespace } = bed;
    const files = (v: string) => ({ 'a.yaml': configMap('second-a', { k: v }) });
    await bed.publish(files('1'), 'r1', 'second');
    await bed.apply(sourceOf('second'), 'second');
    await bed.ready('r1', 'second');
    await bed.patch(policy, 'second');
    await bed.ready('r1', 'second');
    await bed.publish(files('2'), 'r2', 'second');
    const { object, digest } = await held('second', 'r2', 'Approval');
    expect(conditionOf(object)).toMatchObject({ status: 'True' });
    expect(object.status?.lastAppliedRevision).toBe('r1');
    expect((await planOf(object)).spec.objects).toMatchObject([
      { action: 'Change', changes: [{ path: '.data.k', before: '1', after: '2' }] },
    ]);
    const key = { namespace, name: 'second-a' };
    const edit = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
    await client.patch(configMaps, key, { data: { k: 'edited' } }, edit);
    await until<ConfigMap>(client, configMaps, key, ({ data }) => data?.['k'] === '1');
    // The plan is what it was, for what it would overwrite is as it was again.
    await decide('second', { planDigest: digest });
    await bed.ready('r2', 'second');
    expect(await dataOf('second-a')).toEqual({ k: '2' });
  });

  test('an approval counts for one plan of one object, and for its user once', async () => {
    const files = (v: string) => ({ 'a.yaml': configMap('third-a', { k: v }) });
    await bed.publish(files('1'), 'r1', 'third');
    await bed.apply(
      { ...sourceOf('third'), changePolicy: { mode: 'Approve', approvals: 2 } },
      'third',
    );
    const first = await held('third', 'r1', 'Approval');
    await decide('other', { planDigest: first.digest, user: 'a' });
    await decide('third', { planDigest: first.digest, user: 'b' });
    await decide('third', { planDigest: first.digest, user: 'b' });
    const half = await bed.when(
      (object) => conditionOf(object, 'Held')?.message.includes('(1 of 2)') ?? false,
      'third',
    );
    expect(half.status?.plan?.digest).toBe(first.digest);
    await bed.publish(files('2'), 'r2', 'third');
    const next = await held('third', 'r2', 'Approval');
    expect(next.digest).not.toBe(first.digest);
    await decide('third', { planDigest: first.digest, user: 'c' });
    await decide('third', { planDigest: next.digest, user: 'c' });
    await bed.when(
      (object) => conditionOf(object, 'Held')?.message.includes('(1 of 2)') ?? false,
      'third',
    );
    expect(await isThere('third-a')).toBe(false);
    await decide('third', { planDigest: next.digest, user: 'd' });
    await bed.ready('r2', 'third');
    expect(await dataOf('third-a')).toEqual({ k: '2' });
  });

  test('what was approved fails when it does not get healthy, though the next change waits', async () => {
    const files = (v: string) => ({
      'd.yaml': stuck('late'),
      'a.yaml': configMap('late-a', { k: v }),
    });
    await bed.publish(files('1'), 'r1', 'late');
    await bed.apply({ ...sourceOf('late'), ...policy, wait: true, timeout: '4s' }, 'late');
    const { digest } = await held('late', 'r1', 'Approval');
    await decide('late', { planDigest: digest });
    await bed.when(({ status }) => status?.change?.plan === digest, 'late');
    await bed.publish(files('2'), 'r2', 'late');
    await held('late', 'r2', 'Approval');
    await bed.failed('HealthCheckFailed', 'late', /Deployment\/.*late/);
    expect(await dataOf('late-a')).toEqual({ k: '1' });
  });

  test('a rejected plan stays unapplied, and a commit that carries an approval changes no plan', async () => {
    const map = configMap('fourth-a', { k: '1' });
    await bed.publish({ 'a.yaml': map }, 'r1', 'fourth');
    await bed.apply({ ...sourceOf('fourth'), ...policy }, 'fourth');
    const { digest } = await held('fourth', 'r1', 'Approval');
    await decide('fourth', { planDigest: digest, decision: 'Reject', reason: 'not today' });
    const { object } = await held('fourth', 'r1', 'Rejected');
    expect(conditionOf(object, 'Held')?.message).toContain('was rejected by lead: not today');
    expect(await isThere('fourth-a')).toBe(false);

    const other = configMap('fourth-a', { k: '2' });
    await bed.publish({ 'a.yaml': other }, 'r2', 'fourth');
    const next = await held('fourth', 'r2', 'Approval');
    const approval = {
      apiVersion: 'delivery.sluice.dev/v1alpha1',
      kind: 'Approval',
      metadata: { name: 'from-git' },
      spec: {
        targetRef: { kind: 'Kustomization', name: 'fourth' },
        planDigest: next.digest,
        user: 'lead',
      },
    };
    await bed.publish({ 'a.yaml': other, 'b.yaml': JSON.stringify(approval) }, 'r3', 'fourth');
    const ready = await bed.ready('r3', 'fourth');
    expect(ready.status?.change?.plan).toBe(next.digest);
    expect(await dataOf('fourth-a')).toEqual({ k: '2' });
  });

  test('values of Secrets show nowhere', async () => {
    const secret = (v: string) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'fifth-s' },
        stringData: { password: v },
      });
    await bed.publish({ 's.yaml': secret('hunter2-old') }, 'r1', 'fifth');
    await bed.apply(sourceOf('fifth'), 'fifth');
    await bed.ready('r1', 'fifth');
    await bed.patch(policy, 'fifth');
    await bed.ready('r1', 'fifth');
    await bed.publish({ 's.yaml': secret('hunter2-new') }, 'r2', 'fifth');
    const { object } = await held('fifth', 'r2', 'Approval');
    const plan = await planOf(object);
    expect(plan.spec.objects).toMatchObject([
      { kind: 'Secret', changes: [{ path: '.data.password', before: '*****', after: '*****' }] },
    ]);
    const secretTexts = ['hunter2', Buffer.from('hunter2-').toString('base64').slice(0, 9)];
    const seen = [plan, object, bed.events, bed.log()].map((each) => JSON.stringify(each)).join();
    for (const text of secretTexts) expect(seen).not.toContain(text);
    await bed.client.get(secrets, { namespace: bed.namespace, name: 'fifth-s' });
  });

  test('a restart forgets neither what was approved nor what waits', async () => {
    const files = (v: string) => ({ 'a.yaml': configMap('sixth-a', { k: v }) });
    await bed.publish(files('1'), 'r1', 'sixth');
    await bed.apply({ ...sourceOf('sixth'), ...policy }, 'sixth');
    const first = await held('sixth', 'r1', 'Approval');
    await bed.restart();
    await decide('sixth', { planDigest: first.digest });
    await bed.ready('r1', 'sixth');
    await bed.publish(files('2'), 'r2', 'sixth');
    const second = await held('sixth', 'r2', 'Approval');
    await bed.restart();
    await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, 'sixth');
    const again = await bed.when(({ status }) => status?.lastHandledReconcileAt === 'now', 'sixth');
    expect(again.status?.plan?.digest).toBe(second.digest);
    expect(await dataOf('sixth-a')).toEqual({ k: '1' });
  });
});
