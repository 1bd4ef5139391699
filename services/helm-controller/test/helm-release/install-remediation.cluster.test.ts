import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, configMaps, startBed } from './harness.ts';
import { isApplied } from './is-applied.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

const eventsOf = (name: string) =>
  bed.events.filter((event) => event.involvedObject.name === name).map(({ reason }) => reason);

const stalled = (name: string) =>
  bed.when((object) => conditionOf(object, 'Stalled') !== undefined, name);

test('an install is tried again after an uninstall, until no retry is left', async () => {
  const install = { remediation: { retries: 2 } };
  await bed.apply({ values: { refused: true }, install }, 'retried');
  const object = await stalled('retried');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'InstallFailed' });
  expect(conditionOf(object, 'Stalled')).toMatchObject({
    reason: 'RetriesExceeded',
    message: 'Failed to install after 3 attempt(s)',
  });
  expect(conditionOf(object, 'Remediated')).toBeUndefined();
  expect(object.status).toMatchObject({ failures: 3, installFailures: 3 });
  expect(object.status?.history).toMatchObject([{ version: 1, status: 'failed' }]);
  expect(eventsOf('retried')).toEqual([
    'InstallFailed',
    'UninstallSucceeded',
    'InstallFailed',
    'UninstallSucceeded',
    'InstallFailed',
  ]);
  expect(await isApplied(bed, 'retried')).toBe(true);
});

test('the last failure is remediated when asked for', async () => {
  const install = { remediation: { retries: 1, remediateLastFailure: true } };
  await bed.apply({ values: { refused: true }, install }, 'remediated');
  const object = await stalled('remediated');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'UninstallSucceeded' });
  expect(conditionOf(object, 'Released')?.reason).toBe('InstallFailed');
  expect(conditionOf(object, 'Remediated')?.status).toBe('True');
  expect(conditionOf(object, 'Stalled')).toMatchObject({
    reason: 'RetriesExceeded',
    message: 'Failed to install after 2 attempt(s)',
  });
  expect(object.status?.history).toMatchObject([
    { version: 1, status: 'uninstalled', action: 'uninstall-remediation' },
  ]);
  expect(await isApplied(bed, 'remediated')).toBe(false);

  await bed.patch({ values: { refused: false } }, 'remediated');
  const healed = await bed.ready('1.0.0', 'remediated');
  expect(conditionOf(healed)?.reason).toBe('InstallSucceeded');
  expect(healed.status?.history).toMatchObject([{ version: 1, status: 'deployed' }]);
  expect(healed.status).not.toHaveProperty('installFailures');
});

test.for([
  {
    name: 'values',
    change: async () => {
      const values = { text: 'other' };
      const patch = { data: { 'values.yaml': JSON.stringify(values) } };
      await bed.client.patch(configMaps, { namespace: bed.namespace, name: 'more' }, patch, {
        type: 'merge',
      });
    },
  },
  { name: 'chart', change: () => bed.publish(fragileChart('1.0.1'), '1.0.1') },
  { name: 'spec', change: () => bed.patch({ timeout: '3m' }, 'spec') },
])('failures are counted anew when the $name change', async ({ name, change }) => {
  await bed.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'more',
      namespace: bed.namespace,
      labels: { 'reconcile.fluxcd.io/watch': 'Enabled' },
    },
    data: { 'values.yaml': '{}' },
  } as never);
  const valuesFrom = [{ kind: 'ConfigMap', name: 'more' } as const];
  await bed.apply({ values: { refused: true }, valuesFrom }, name);
  const before = await stalled(name);
  expect(before.status?.installFailures).toBe(1);
  const { lastAttemptedConfigDigest, lastAttemptedRevision, lastAttemptedGeneration } =
    before.status ?? {};
  await change();
  // What failed to install is upgraded, and the failures of the install no longer count.
  const after = await bed.when(
    (object) =>
      conditionOf(object, 'Stalled') !== undefined && object.status?.upgradeFailures === 1,
    name,
  );
  expect(after.status).not.toHaveProperty('installFailures');
  expect(after.status?.failures).toBe(1);
  expect(after.status?.history?.[0]).toMatchObject({ version: 2, status: 'failed' });
  expect({ lastAttemptedConfigDigest, lastAttemptedRevision, lastAttemptedGeneration }).not.toEqual(
    {
      lastAttemptedConfigDigest: after.status?.lastAttemptedConfigDigest,
      lastAttemptedRevision: after.status?.lastAttemptedRevision,
      lastAttemptedGeneration: after.status?.lastAttemptedGeneration,
    },
  );
  await bed.client.delete(configMaps, { namespace: bed.namespace, name: 'more' });
});
