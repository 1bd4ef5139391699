import {
  apiVersionOf,
  type KindDefinition,
  type KubeObject,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  windowKind,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, helmReleases, startBed } from '../harness.ts';
import { isApplied } from '../is-applied.ts';
import { planOf, say, untilHeld } from './changes.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const windows = resourceOf(windowKind as KindDefinition);
const at = 'reconcile.fluxcd.io/requestedAt';
const force = 'reconcile.fluxcd.io/forceAt';
const sourceOf = (name: string) => ({ chartRef: { kind: 'ExternalArtifact' as const, name } });

const second = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-second
`;
const kept = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-kept
  annotations: { helm.sh/resource-policy: keep }
`;

test('in the mode Plan nothing is ever applied, approved or forced', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'plan');
  await bed.apply({ ...sourceOf('plan'), changePolicy: { mode: 'Plan' } }, 'plan');
  const held = await untilHeld(bed, { reason: 'Plan', name: 'plan' });
  assertStatusContract(held);
  await say(bed, 'plan', { digest: held.status?.plan?.digest });
  await bed.annotate({ [at]: 'now', [force]: 'now' }, 'plan');
  const forced = await bed.when((o) => o.status?.lastHandledForceAt === 'now', 'plan');
  expect(forced.status?.held?.reason).toBe('Plan');
  expect(await isApplied(bed, 'plan')).toBe(false);
});

test('a plan is let through by an override with a reason, which is told', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'over');
  await bed.apply({ ...sourceOf('over'), changePolicy: { mode: 'Approve' } }, 'over');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'over' });
  const digest = held.status?.plan?.digest ?? '';
  await bed.annotate({ [overridePlanAnnotation]: digest }, 'over');
  await bed.annotate({ [at]: 'now' }, 'over');
  const still = await bed.when((o) => o.status?.lastHandledReconcileAt === 'now', 'over');
  expect(still.status?.held?.reason).toBe('Approval');
  await bed.annotate({ [overrideReasonAnnotation]: 'outage 7', [at]: 'then' }, 'over');
  await bed.ready('1.0.0', 'over');
  const event = await bed.event((e) => e.reason === 'PlanOverridden');
  expect(event.message).toContain('outage 7');
});

test('a Window holds a new chart until it is gone', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'window');
  await bed.apply(sourceOf('window'), 'window');
  await bed.ready('1.0.0', 'window');
  const window: KubeObject & { spec: object } = {
    apiVersion: apiVersionOf(windowKind as KindDefinition),
    kind: 'Window',
    metadata: { name: 'closed', namespace: bed.namespace },
    spec: {
      kind: 'Deny',
      schedule: '* * * * *',
      duration: '1h',
      selector: { matchLabels: { held: 'yes' } },
    },
  };
  await bed.client.create(windows, window);
  await bed.client.patch(
    helmReleases,
    { namespace: bed.namespace, name: 'window' },
    { metadata: { labels: { held: 'yes' } } },
    { type: 'merge', fieldManager: 'kubectl' },
  );
  await bed.publish(chart('2.0.0'), '2.0.0', 'window');
  const held = await untilHeld(bed, { reason: 'Window', name: 'window' });
  assertStatusContract(held);
  expect(held.status?.plan?.revision).toBe('2.0.0');
  expect(conditionOf(held)?.status).toBe('True');
  await bed.client.delete(windows, { namespace: bed.namespace, name: 'closed' });
  const ready = await bed.ready('2.0.0', 'window');
  expect(ready.status).not.toHaveProperty('held');
});

test('an upgrade that deletes more than the guard allows waits, and is not ready meanwhile', async () => {
  const files = { 'templates/second.yaml': second, 'templates/kept.yaml': kept };
  await bed.publish(chart('1.0.0', files), '1.0.0', 'guard');
  const changePolicy = { pruneGuard: { maxObjects: 0 } };
  await bed.apply({ ...sourceOf('guard'), changePolicy }, 'guard');
  await bed.ready('1.0.0', 'guard');
  await bed.publish(chart('2.0.0'), '2.0.0', 'guard');
  const held = await untilHeld(bed, { reason: 'PruneGuard', name: 'guard' });
  assertStatusContract(held);
  expect(conditionOf(held)).toMatchObject({ status: 'False', reason: 'PruneGuard' });
  expect(held.status?.held?.reason).toBe('PruneGuard');
  expect((await planOf(bed, 'guard'))?.spec).toMatchObject({
    delete: 1,
    objects: [
      { action: 'Delete', kind: 'ConfigMap', name: 'guard-second' },
      { action: 'Change', name: 'guard' },
    ],
  });
  await say(bed, 'guard', { digest: held.status?.plan?.digest });
  await bed.ready('2.0.0', 'guard');
  expect(await isApplied(bed, 'guard-second')).toBe(false);
  expect(await isApplied(bed, 'guard-kept')).toBe(true);
});

test('what was let through may be forced, and metadata alone is a change that is not forgotten', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'forced');
  await bed.apply({ ...sourceOf('forced'), changePolicy: { mode: 'Approve' } }, 'forced');
  const first = await untilHeld(bed, { reason: 'Approval', name: 'forced' });
  await say(bed, 'forced', { digest: first.status?.plan?.digest });
  await bed.ready('1.0.0', 'forced');
  await bed.annotate({ [at]: 'now', [force]: 'now' }, 'forced');
  await bed.when((o) => o.status?.history?.[0]?.version === 2, 'forced');

  await bed.patch({ commonMetadata: { labels: { team: 'a' } } }, 'forced');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'forced' });
  const { digest } = held.status?.plan ?? {};
  await bed.annotate({ [at]: 'again' }, 'forced');
  const still = await bed.when((o) => o.status?.lastHandledReconcileAt === 'again', 'forced');
  expect(still.status).toMatchObject({ held: { reason: 'Approval' }, plan: { digest } });
  await say(bed, 'forced', { digest });
  const released = await bed.when((o) => o.status?.history?.[0]?.version === 3, 'forced');
  expect(released.status?.change?.plan).toBe(digest);
});

test('a HelmRelease is told to leave going back to the remediation of Helm', async () => {
  await bed.publish(chart('1.0.0'), '1.0.0', 'back');
  await bed.apply({ ...sourceOf('back'), changePolicy: { rollback: 'LastHealthy' } }, 'back');
  const object = await bed.failed('InvalidSpec', 'back', /spec\.upgrade\.remediation/);
  expect(conditionOf(object, 'Stalled')?.status).toBe('True');
});
