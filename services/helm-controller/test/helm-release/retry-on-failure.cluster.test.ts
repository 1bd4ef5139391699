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

const strategy = { name: 'RetryOnFailure', retryInterval: '50ms' } as const;

test('a failing release is tried again for ever, never remediated, and never stalls', async () => {
  const spec = { install: { strategy }, upgrade: { strategy }, values: { refused: true } };
  await bed.apply(spec);
  const object = await bed.when((one) => (one.status?.upgradeFailures ?? 0) >= 7);
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
  expect(conditionOf(object, 'Reconciling')).toMatchObject({
    reason: 'ProgressingWithRetry',
    message: 'Trying again after 50ms',
  });
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
  expect(object.status?.installFailures).toBe(1);
  // The history does not grow with every try.
  expect(object.status?.history).toHaveLength(5);
  expect(bed.events.map(({ reason }) => reason)).not.toContain('UninstallSucceeded');

  await bed.patch({ values: { refused: false } });
  const healed = await bed.ready('1.0.0');
  expect(healed.status).not.toHaveProperty('failures');
  expect(healed.status).not.toHaveProperty('installFailures');
  expect(healed.status).not.toHaveProperty('upgradeFailures');
});

test('failures count no longer once a try has succeeded', async () => {
  const needed = `{{ if not (lookup "v1" "ConfigMap" .Release.Namespace "needed") }}
apiVersion: v1
kind: Service
metadata: { name: needs }
spec: { ports: [{ port: 0 }] }
{{ end }}`;
  await bed.publish(fragileChart('1.0.0', { 'templates/needed.yaml': needed }), '1.0.0', 'needy');
  const chartRef = { kind: 'ExternalArtifact', name: 'needy' } as const;
  await bed.apply({ chartRef, install: { strategy }, upgrade: { strategy } }, 'needy');
  await bed.when((one) => (one.status?.failures ?? 0) >= 2, 'needy');
  await bed.client.create(
    { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'needed', namespace: bed.namespace },
    },
  );
  const object = await bed.ready('1.0.0', 'needy');
  expect(object.metadata.generation).toBe(1);
  expect(object.status).not.toHaveProperty('failures');
  expect(object.status).not.toHaveProperty('upgradeFailures');
});

test('a release that somebody has uninstalled meanwhile is installed again', async () => {
  const rare = { name: 'RetryOnFailure', retryInterval: '1h' } as const;
  await bed.apply({ install: { strategy: rare }, values: { refused: true } }, 'removed');
  await bed.failed('InstallFailed', 'removed');
  await bed.helm('uninstall', 'removed');
  const object = await bed.when(({ status }) => (status?.installFailures ?? 0) >= 2, 'removed');
  assertStatusContract(object);
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
});

test('a failure that stores no release waits for the interval as well', async () => {
  const broken = { 'templates/bad.yaml': '{{ fail "not now" }}' };
  await bed.publish(fragileChart('1.0.0', broken), '1.0.0', 'broken');
  const chartRef = { kind: 'ExternalArtifact', name: 'broken' } as const;
  const once = { name: 'RetryOnFailure', retryInterval: '1h' } as const;
  await bed.apply({ chartRef, install: { strategy: once } }, 'once');
  const object = await bed.failed('InstallFailed', 'once');
  assertStatusContract(object);
  expect(object.status?.failures).toBe(1);
  // Its tries every 50 ms are many while the other waits.
  await bed.apply({ chartRef, install: { strategy } }, 'often');
  await bed.when((one) => (one.status?.failures ?? 0) >= 8, 'often');
  expect((await bed.get('once')).status?.failures).toBe(1);
});
