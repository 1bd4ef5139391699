import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, configMaps, helmReleases, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
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
