import type { KubeObject } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, helmReleases, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart());
});
afterAll(() => bed.stop());

const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const remove = (name: string) => bed.client.delete(helmReleases, keyOf(name));
const gone = (name: string) => untilGone(bed.client, helmReleases, keyOf(name));

const holding = {
  'templates/held.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: held\n  finalizers: [test.sluice.dev/held]\n',
};

test('releases that are deleted together are uninstalled in the reverse order', async () => {
  await bed.publish(chart('1.0.0', holding), '1.0.0', 'usage');
  await bed.apply({}, 'operator');
  await bed.ready('1.0.0', 'operator');
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'usage' };
  await bed.apply({ chartRef, dependsOn: [{ name: 'operator' }] }, 'usage');
  await bed.ready('1.0.0', 'usage');
  await remove('usage');
  await until(bed.client, configMaps, keyOf('held'), (o) => Boolean(o.metadata.deletionTimestamp));
  await remove('operator');
  await bed.when((object) => conditionOf(object)?.reason === 'DependantsRemain', 'operator');
  const operator = await bed.client.get<KubeObject>(configMaps, keyOf('operator'));
  expect(operator.metadata.deletionTimestamp).toBeUndefined();
  const free = { metadata: { finalizers: null } };
  await bed.client.patch(configMaps, keyOf('held'), free, { type: 'merge' });
  await gone('usage');
  await gone('operator');
  expect(JSON.parse(await bed.helm('ls', '-o', 'json'))).toEqual([]);
});

test('in a namespace that is being deleted, releases go, too', async () => {
  await bed.apply({}, 'first');
  await bed.ready('1.0.0', 'first');
  await bed.apply({ dependsOn: [{ name: 'first' }] }, 'second');
  await bed.ready('1.0.0', 'second');
  await bed.client.delete(coreResources.namespaces, { name: bed.namespace });
  await Promise.all([gone('first'), gone('second')]);
});
