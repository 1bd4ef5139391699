import {
  helmReleaseNameLabel,
  helmReleaseNamespaceLabel,
  type KubeObject,
} from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { coreResources, gvkOf } from '@sluice/shared/kube';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withOwnership } from '../../src/action/objects.ts';
import { objectsOf } from '../../src/release/manifest.ts';
import type { Release } from '../../src/release/release.ts';
import { snapshotOf } from '../../src/release/snapshot.ts';
import { createReleaseCache, openReleaseStorage } from '../../src/release/storage.ts';
import { valuesDigest } from '../../src/values/digest.ts';
import { type Bed, chart, configMaps, helmReleases, startBed } from './harness.ts';

let bed: Bed;
let dir: string;
const files = chart('1.0.0', {
  'templates/service.yaml': `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  ports: [{ port: 80 }]
`,
});
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(files);
  dir = await bed.write(files);
});
afterAll(() => bed.stop());

type Adopted = KubeObject & { data?: Record<string, string> };

function liveObjects(name: string): Promise<Adopted[]> {
  const key = { namespace: bed.namespace, name };
  const kinds = [configMaps, coreResources.services];
  return Promise.all(kinds.map((resource) => bed.client.get<Adopted>(resource, key)));
}

const uidsOf = async (name: string) =>
  (await liveObjects(name)).map(({ metadata }) => metadata.uid);

function storage() {
  const { client, namespace } = bed;
  const cache = createReleaseCache(1 << 20);
  return openReleaseStorage({ client, namespace, cache, clock: systemClock });
}

/** Rewrites the newest record as a Helm 3 has it, which knew one way of applying only. */
async function asHelm3(name: string): Promise<void> {
  const records = storage();
  const { apply_method: _, ...release } = (await records.last(name)) as Release;
  await records.update(release);
  const secret = `sh.helm.release.v1.${name}.v1`;
  const key = { namespace: bed.namespace, name: secret };
  const { metadata, ...record } = await bed.client.get(coreResources.secrets, key);
  await bed.client.delete(coreResources.secrets, key);
  const { labels, namespace } = metadata;
  const copy = { ...record, metadata: { name: secret, namespace, labels } };
  await bed.client.create(coreResources.secrets, copy, { fieldManager: 'Helm' });
}

describe('a release of the helm program is adopted where it is, and can be given back:', () => {
  test.each([
    { name: 'server', flags: ['--server-side=true'], way: 'ssa' },
    { name: 'client', flags: ['--server-side=false'], way: 'csa' },
    { name: 'helm3', flags: ['--server-side=false'], way: 'csa' },
  ])('$name', async ({ name, flags, way }) => {
    await bed.helm('install', name, dir, '--set', 'text=theirs', ...flags);
    if (name === 'helm3') await asHelm3(name);
    const uids = await uidsOf(name);
    await bed.apply({ values: { text: 'ours' } }, name);
    const object = await bed.ready('1.0.0', name);
    expect(object.status?.history).toMatchObject([{ version: 2, status: 'deployed' }]);
    expect(object.status?.inventory?.entries).toHaveLength(2);
    expect(await uidsOf(name)).toEqual(uids);
    expect((await liveObjects(name))[0]?.data).toEqual({ text: 'ours', version: '1.0.0' });
    expect(await storage().last(name)).toMatchObject({ apply_method: way });

    await bed.patch({ suspend: true }, name);
    const more = way === 'ssa' ? ['--force-conflicts'] : [];
    await bed.helm('upgrade', name, dir, '--set', 'text=back', ...more);
    expect(await uidsOf(name)).toEqual(uids);
    expect((await liveObjects(name))[0]?.data).toEqual({ text: 'back', version: '1.0.0' });
    const history = JSON.parse(await bed.helm('history', name, '-o', 'json'));
    expect(history.map(({ status }: { status: string }) => status)).toEqual([
      'superseded',
      'superseded',
      'deployed',
    ]);
  });
});

/** Makes a release as Flux's controller does: with its labels in the manifest, and noted in the status. */
async function madeByFlux(name: string): Promise<void> {
  const driftDetection = { mode: 'enabled' } as const;
  await bed.apply({ values: { text: 'theirs' }, driftDetection, suspend: true }, name);
  const owner = { name, namespace: bed.namespace };
  await bed.helm('install', name, dir, '--set', 'text=theirs');
  const records = storage();
  const release = (await records.last(name)) as Release;
  const labels = {
    [helmReleaseNameLabel]: owner.name,
    [helmReleaseNamespaceLabel]: owner.namespace,
  };
  const objects = objectsOf(release.manifest).map((object) => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } },
  }));
  release.manifest = objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
  for (const object of objects) {
    const resource = await bed.client.mapper.resourceFor(gvkOf(object));
    const placed = { ...object, metadata: { ...object.metadata, namespace: bed.namespace } };
    const options = { fieldManager: 'helm-controller', force: true };
    await bed.client.apply(resource, withOwnership(placed, release, owner), options);
  }
  await records.delete(name, 1);
  await records.create(release);
  const configDigest = valuesDigest(release.config ?? {});
  const status = {
    observedGeneration: 1,
    storageNamespace: bed.namespace,
    lastAttemptedGeneration: 1,
    lastAttemptedRevision: '1.0.0',
    lastAttemptedConfigDigest: configDigest,
    lastAttemptedReleaseAction: 'install',
    history: [snapshotOf(release, { configDigest })],
  };
  const options = { type: 'merge', subresource: 'status' } as const;
  await bed.client.patch(helmReleases, owner, { status }, options);
}

test('a release of Flux goes on as it is', async () => {
  const name = 'flux';
  await madeByFlux(name);
  const before = await liveObjects(name);
  await bed.patch({ suspend: false }, name);
  const object = await bed.ready('1.0.0', name);
  expect(object.status?.history).toMatchObject([{ version: 1, status: 'deployed' }]);
  expect(object.status?.inventory?.entries).toHaveLength(2);
  expect(await liveObjects(name)).toEqual(before);
  expect(await storage().history(name)).toHaveLength(1);

  await bed.patch({ values: { text: 'ours' } }, name);
  const upgraded = await bed.ready('1.0.0', name);
  expect(upgraded.status?.history).toMatchObject([{ version: 2 }, { version: 1 }]);
  expect((await liveObjects(name)).map(({ metadata }) => metadata.uid)).toEqual(
    before.map(({ metadata }) => metadata.uid),
  );
});
