import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  chart,
  conditionOf,
  finishJob,
  jobs,
  startBed,
  suspendedHook,
} from '../harness.ts';
import { isApplied } from '../is-applied.ts';
import { say, untilHeld } from './changes.ts';

const hook = suspendedHook('post-upgrade');

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const at = 'reconcile.fluxcd.io/requestedAt';

test('a change stays held over a restart, and goes on over one once it was let through', async () => {
  await bed.publish(chart('1.0.0'));
  await bed.apply({});
  await bed.ready('1.0.0');
  await bed.patch({ changePolicy: { mode: 'Approve' } });
  await bed.publish(chart('2.0.0', { 'templates/hook.yaml': hook }), '2.0.0');
  const held = await untilHeld(bed, { reason: 'Approval' });
  const { digest } = held.status?.plan ?? {};

  await bed.restart();
  await bed.annotate({ [at]: 'held' });
  const still = await bed.when((o) => o.status?.lastHandledReconcileAt === 'held');
  expect(still.status).toMatchObject({ held: { reason: 'Approval' }, plan: { digest } });
  expect(conditionOf(still)?.status).toBe('True');
  expect(await isApplied(bed, 'app-hook')).toBe(false);

  await say(bed, 'app', { digest });
  const key = { namespace: bed.namespace, name: 'app-hook' };
  const { metadata: begun } = await until<KubeObject>(bed.client, jobs, key, () => true);
  const running = await bed.get();
  expect(running.status?.change).toMatchObject({ plan: digest, revision: '2.0.0' });
  await bed.restart();
  await until<KubeObject>(bed.client, jobs, key, ({ metadata }) => metadata.uid !== begun.uid);
  await finishJob(bed, 'app-hook');
  const ready = await bed.ready('2.0.0');
  expect(ready.status?.change?.healthy).toBe(ready.status?.change?.digest);
  expect(ready.status).not.toHaveProperty('held');

  await bed.restart();
  await bed.annotate({ [at]: 'done' });
  const after = await bed.when((o) => o.status?.lastHandledReconcileAt === 'done');
  expect(conditionOf(after)?.status).toBe('True');
  expect(after.status?.history?.[0]?.version).toBe(3);
});
