import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--feature-gates=DefaultToRetryOnFailure=true']);
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

test('behind its gate, a failing release is tried again by default', async () => {
  await bed.apply({ values: { refused: true } }, 'default');
  const object = await bed.failed('InstallFailed', 'default');
  assertStatusContract(object);
  expect(conditionOf(object, 'Reconciling')).toMatchObject({
    reason: 'ProgressingWithRetry',
    message: 'Trying again after 5m0s',
  });
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
});

test('behind its gate, who asks for remediation gets it', async () => {
  const install = {
    strategy: { name: 'RemediateOnFailure' },
    remediation: { remediateLastFailure: true },
  } as const;
  await bed.apply({ values: { refused: true }, install }, 'asked');
  const object = await bed.when((one) => conditionOf(one, 'Stalled') !== undefined, 'asked');
  expect(conditionOf(object)?.reason).toBe('UninstallSucceeded');
});
