import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wrapped } from '../action/wrapped-client.ts';
import { type Bed, chart, configMaps, helmReleases, startBed } from './harness.ts';

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.held.example}
spec:
  group: held.example
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`;
const upgradeBegins = Promise.withResolvers<void>();

/** Lets the first definition of an upgrade wait until its action is aborted. */
async function holdUpgrade(call: string, signal?: AbortSignal): Promise<void> {
  if (!call.includes('CustomResourceDefinition/') || signal === undefined) return;
  upgradeBegins.resolve();
  await once(signal, 'abort');
}

let bed: Bed;
beforeAll(async () => {
  bed = await startBed([], { wrap: (client) => wrapped(client, { before: holdUpgrade }) });
  await bed.publish(chart());
});
afterAll(() => bed.stop());

const config = (name: string) =>
  bed.client.get(configMaps, { namespace: bed.namespace, name }, { metadataOnly: true });

test('a release that the status does not know of, because the process was killed, is uninstalled', async () => {
  await bed.apply({}, 'lost');
  await bed.ready('1.0.0', 'lost');
  await bed.client.patch(
    helmReleases,
    { namespace: bed.namespace, name: 'lost' },
    { status: { history: null, inventory: null } },
    { type: 'merge', subresource: 'status' },
  );
  await bed.remove('lost');
  await expect(config('lost')).rejects.toMatchObject({ status: 404 });
  expect(JSON.parse(await bed.helm('ls', '-o', 'json'))).toEqual([]);
});

test('a release that was there before, and was never taken over, stays', async () => {
  await bed.helm('install', 'older', await bed.write(chart()));
  const broken = { 'templates/broken.yaml': '{{ fail "never rendered" }}' };
  await bed.publish(chart('1.1.0', broken), '1.1.0', 'broken');
  await bed.apply({ chartRef: { kind: 'ExternalArtifact', name: 'broken' } }, 'older');
  await bed.failed('UpgradeFailed', 'older');
  await bed.remove('older');
  await config('older');
});

test('one whose release may not have its name can be deleted, with the release it had before', async () => {
  await bed.apply({}, 'renamed');
  await bed.ready('1.0.0', 'renamed');
  await bed.patch({ releaseName: 'Not A Name' }, 'renamed');
  await bed.failed('InvalidReleaseName', 'renamed');
  await bed.remove('renamed');
  await expect(config('renamed')).rejects.toMatchObject({ status: 404 });
  await bed.apply({ releaseName: 'Not A Name' }, 'misnamed');
  await bed.failed('InvalidReleaseName', 'misnamed');
  await bed.remove('misnamed');
});

test('one that is deleted in the middle of the work of an upgrade goes at once', async () => {
  await bed.apply({}, 'held');
  await bed.ready('1.0.0', 'held');
  await bed.publish(chart('1.1.0', { 'crds/things.yaml': definition }), '1.1.0', 'defining');
  const chartRef = { kind: 'ExternalArtifact', name: 'defining' } as const;
  await bed.patch({ chartRef, upgrade: { crds: 'Create' } }, 'held');
  await upgradeBegins.promise;
  await bed.remove('held');
  await expect(config('held')).rejects.toMatchObject({ status: 404 });
  expect(await bed.helm('ls', '--short')).not.toContain('held');
});
