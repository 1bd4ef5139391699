import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--min-retry-delay=100ms']);
});
afterAll(() => bed.stop());

test('deployments, failures, lead time and time to restore are counted, and go with the object', async () => {
  const { namespace } = bed;
  await bed.publish({ 'a.yaml': configMap('a') }, 'r1');
  await bed.apply();
  await bed.ready('r1');
  await bed.publish({ 'a.yaml': 'kind: [' }, 'r2');
  await bed.failed('BuildFailed');
  await bed.publish({ 'a.yaml': configMap('a', { k: 'v' }) }, 'r3');
  await bed.ready('r3');
  const labels = `kind="Kustomization",name="app",namespace="${namespace}"`;
  await expect.poll(() => bed.metrics()).toContain(`sluice_restore_seconds_count{${labels}} 1`);
  const text = await bed.metrics();
  expect(text).toContain(`sluice_deployments_total{${labels},result="succeeded"} 2`);
  expect(text).toContain(`sluice_deployments_total{${labels},result="failed"} 1`);
  expect(text).toContain(`sluice_commit_to_ready_seconds_count{${labels}} 2`);
  await bed.remove();
  await expect.poll(() => bed.metrics()).not.toContain(`sluice_deployments_total{${labels}`);
});
