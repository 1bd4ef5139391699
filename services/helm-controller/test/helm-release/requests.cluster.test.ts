import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

const at = 'reconcile.fluxcd.io/requestedAt';
const force = 'reconcile.fluxcd.io/forceAt';
const reset = 'reconcile.fluxcd.io/resetAt';

const handled = (token: string, name: string) =>
  bed.when((object) => object.status?.lastHandledReconcileAt === token, name);

test('a release that is as desired is made once more when that is forced', async () => {
  await bed.apply({}, 'forced');
  await bed.ready('1.0.0', 'forced');
  await bed.annotate({ [at]: 'one', [force]: 'one' }, 'forced');
  const object = await handled('one', 'forced');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'True', reason: 'UpgradeSucceeded' });
  expect(object.status).toMatchObject({
    lastHandledForceAt: 'one',
    history: [{ version: 2, action: 'upgrade' }, { version: 1 }],
  });

  await bed.annotate({ [at]: 'two' }, 'forced');
  const after = await handled('two', 'forced');
  assertStatusContract(after);
  expect(after.status?.lastHandledForceAt).toBe('one');
  expect(after.status?.history?.[0]?.version).toBe(2);

  await bed.annotate({ [at]: 'three', [force]: 'other' }, 'forced');
  const unforced = await handled('three', 'forced');
  expect(unforced.status).toMatchObject({
    lastHandledForceAt: 'other',
    history: [{ version: 2 }, {}],
  });
});

test('a request is handled when the release fails, too', async () => {
  await bed.apply({ values: { refused: true } }, 'failing');
  const stalled = await bed.when((one) => conditionOf(one, 'Stalled') !== undefined, 'failing');
  expect(stalled.status?.installFailures).toBe(1);

  await bed.annotate({ [at]: 'one' }, 'failing');
  const asked = await handled('one', 'failing');
  assertStatusContract(asked);
  expect(conditionOf(asked, 'Stalled')?.reason).toBe('RetriesExceeded');
  expect(asked.status?.history).toMatchObject([{ version: 1 }]);

  await bed.annotate({ [at]: 'two', [force]: 'two' }, 'failing');
  const forced = await handled('two', 'failing');
  assertStatusContract(forced);
  expect(conditionOf(forced)).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
  expect(conditionOf(forced, 'Stalled')?.reason).toBe('RetriesExceeded');
  expect(forced.status).toMatchObject({
    lastHandledForceAt: 'two',
    installFailures: 1,
    upgradeFailures: 1,
  });
  expect(forced.status?.history?.[0]).toMatchObject({ version: 2, status: 'failed' });
});

test('failures are counted anew when that is asked for', async () => {
  const install = { remediation: { retries: 1, remediateLastFailure: true } };
  await bed.apply({ values: { refused: true }, install }, 'reset');
  const stalled = await bed.when((one) => conditionOf(one, 'Stalled') !== undefined, 'reset');
  expect(stalled.status).toMatchObject({ installFailures: 2 });
  await bed.annotate({ [at]: 'one', [reset]: 'one' }, 'reset');
  const again = await bed.when(
    (one) => one.status?.lastHandledResetAt === 'one' && conditionOf(one, 'Stalled') !== undefined,
    'reset',
  );
  assertStatusContract(again);
  expect(again.status).toMatchObject({ lastHandledReconcileAt: 'one', installFailures: 2 });
  const installs = bed.events.filter(
    ({ reason, involvedObject }) => reason === 'InstallFailed' && involvedObject.name === 'reset',
  );
  expect(installs).toHaveLength(4);
});

test('out of retries, a forced install is tried once', async () => {
  const install = { remediation: { retries: 0, remediateLastFailure: true } };
  await bed.apply({ values: { refused: true }, install }, 'absent');
  await bed.when((one) => conditionOf(one, 'Stalled') !== undefined, 'absent');
  await bed.annotate({ [at]: 'one', [force]: 'one' }, 'absent');
  const object = await handled('one', 'absent');
  assertStatusContract(object);
  expect(object.status).toMatchObject({ lastHandledForceAt: 'one', installFailures: 2 });
});

test('a forced release is not forgotten while it waits for a dependency', async () => {
  await bed.apply({}, 'waiting');
  await bed.ready('1.0.0', 'waiting');
  await bed.patch({ dependsOn: [{ name: 'first' }] }, 'waiting');
  await bed.failed('DependencyNotReady', 'waiting');
  await bed.annotate({ [at]: 'one', [force]: 'one' }, 'waiting');
  const object = await handled('one', 'waiting');
  expect(object.status).not.toHaveProperty('lastHandledForceAt');
  await bed.apply({}, 'first');
  const after = await bed.ready('1.0.0', 'waiting');
  expect(after.status).toMatchObject({ lastHandledForceAt: 'one', history: [{ version: 2 }, {}] });
});
