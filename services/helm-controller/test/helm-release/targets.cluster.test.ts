import type { HelmReleaseSpec } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { testNamespace, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, secrets, startBed } from './harness.ts';

let bed: Bed;
let other: string;
beforeAll(async () => {
  bed = await startBed();
  other = await testNamespace(bed.client, 'hr-other');
  await bed.publish(chart());
});
afterAll(() => bed.stop());

const isThere = (name: string, namespace = bed.namespace) =>
  until(bed.client, configMaps, { namespace, name }, () => true);
const isGone = (name: string, namespace = bed.namespace) =>
  untilGone(bed.client, configMaps, { namespace, name });
const hasRecord = (name: string, version: number, namespace = bed.namespace) =>
  until(
    bed.client,
    secrets,
    { namespace, name: `sh.helm.release.v1.${name}.v${version}` },
    () => true,
  );
const hasNoRecord = async (name: string, namespace = bed.namespace) => {
  const labelSelector = `owner=helm,name=${name}`;
  const { items } = await bed.client.list(secrets, { namespace, labelSelector });
  expect(items).toEqual([]);
};

test('another release name uninstalls the former release and installs anew', async () => {
  await bed.apply({ releaseName: 'old-name' }, 'named');
  await bed.ready('1.0.0', 'named');
  await bed.patch({ releaseName: 'new-name' }, 'named');
  const object = await bed.when((o) => o.status?.history?.[0]?.name === 'new-name', 'named');
  await bed.ready('1.0.0', 'named');
  expect(object.status?.history).toMatchObject([{ name: 'new-name', version: 1 }]);
  await isThere('new-name');
  await isGone('old-name');
  await hasNoRecord('old-name');
  const reasons = bed.events
    .filter((e) => e.involvedObject.name === 'named')
    .map(({ reason }) => reason);
  expect(reasons).toEqual(['InstallSucceeded', 'UninstallSucceeded', 'InstallSucceeded']);
});

test('another target namespace moves the release, and is made if that is asked for', async () => {
  const made = `${other}-made`;
  await bed.apply({ targetNamespace: other }, 'moved');
  const first = await bed.ready('1.0.0', 'moved');
  expect(first.status?.inventory?.entries).toMatchObject([
    { id: `${other}_${other}-moved__ConfigMap` },
  ]);
  await isThere(`${other}-moved`, other);
  await hasRecord(`${other}-moved`, 1);

  await bed.patch({ targetNamespace: made, install: { createNamespace: true } }, 'moved');
  await isThere(`${made}-moved`, made);
  await isGone(`${other}-moved`, other);
  const object = await bed.when((o) => o.status?.history?.[0]?.namespace === made, 'moved');
  expect(object.status?.history).toHaveLength(1);
  await hasNoRecord(`${other}-moved`);
  await bed.remove('moved');
  await isGone(`${made}-moved`, made);
  await bed.client.delete(coreResources.namespaces, { name: made });
});

test('another storage namespace moves the records', async () => {
  await bed.apply({}, 'stored');
  await bed.ready('1.0.0', 'stored');
  const before = await bed.client.get(configMaps, { namespace: bed.namespace, name: 'stored' });
  await bed.patch({ storageNamespace: other }, 'stored');
  await hasRecord('stored', 1, other);
  await bed.when((o) => o.status?.storageNamespace === other, 'stored');
  await bed.ready('1.0.0', 'stored');
  await hasNoRecord('stored');
  const after = await isThere('stored');
  expect(after.metadata.uid).not.toBe(before.metadata.uid);
  await bed.remove('stored');
  await hasNoRecord('stored', other);
});

const strategies = [
  { strategy: undefined, version: 1, kept: false },
  { strategy: 'Reinstall', version: 1, kept: false },
  { strategy: 'InPlaceUpdate', version: 2, kept: true },
] as const;

test.for(strategies)(
  'a chart of another name, by the strategy $strategy',
  async ({ strategy, version, kept }) => {
    const name = `renamed-${strategy?.toLowerCase() ?? 'unset'}`;
    const upgrade: HelmReleaseSpec['upgrade'] = strategy && { chartNameChangeStrategy: strategy };
    await bed.publish(chart(), '1.0.0', name);
    await bed.apply({ chartRef: { kind: 'ExternalArtifact', name }, upgrade }, name);
    await bed.ready('1.0.0', name);
    const before = await isThere(name);
    const other = chart('2.0.0', {
      'Chart.yaml': 'apiVersion: v2\nname: api\nversion: 2.0.0\n',
    });
    await bed.publish(other, '2.0.0', name);
    const object = await bed.ready('2.0.0', name);
    expect(object.status?.history?.[0]).toMatchObject({ chartName: 'api', version });
    const after = await isThere(name);
    expect(after.metadata.uid === before.metadata.uid).toBe(kept);
  },
);

test('a name too long for Helm is shortened', async () => {
  const name = `long-${'x'.repeat(55)}`;
  await bed.apply({}, name);
  const object = await bed.ready('1.0.0', name);
  const short = object.status?.history?.[0]?.name ?? '';
  expect(short).toMatch(/^long-x{35}-[0-9a-f]{12}$/);
  expect(JSON.parse(await bed.helm('status', short, '-o', 'json'))).toMatchObject({ name: short });
});
