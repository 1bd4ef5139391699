import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--default-service-account=nobody']);
  await bed.publish(chart());
});
afterAll(() => bed.stop());

test('who names no account acts as the default one, which may have no rights', async () => {
  await bed.apply();
  const object = await bed.failed('InstallFailed');
  expect(conditionOf(object)?.message).toContain(
    `User "system:serviceaccount:${bed.namespace}:nobody" cannot`,
  );
});
