import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--pin-artifacts']);
});
afterAll(() => bed.stop());

test('the artifact that was last applied with success is named until another one is', async () => {
  const { namespace } = bed;
  const pinOf = ({ path, digest }: { path: string; digest: string }) => [
    { sourceRef: { kind: 'ExternalArtifact', name: 'source', namespace }, path, digest },
  ];
  const first = await bed.publish({ 'a.yaml': configMap('a') }, 'r1');
  await bed.apply({}, 'app');
  expect((await bed.ready('r1', 'app')).status?.pinnedArtifacts).toEqual(pinOf(first));

  await bed.publish({ 'a.yaml': 'kind: [' }, 'r2');
  const failed = await bed.failed('BuildFailed', 'app');
  expect(failed.status?.pinnedArtifacts).toEqual(pinOf(first));

  const third = await bed.publish({ 'a.yaml': configMap('a', { v: '3' }) }, 'r3');
  expect((await bed.ready('r3', 'app')).status?.pinnedArtifacts).toEqual(pinOf(third));
});
