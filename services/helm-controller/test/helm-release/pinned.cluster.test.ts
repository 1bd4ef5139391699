import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--pin-artifacts']);
});
afterAll(() => bed.stop());

test('the artifact of the chart that was last released with success is named until another one is', async () => {
  const { namespace } = bed;
  const pinOf = ({ path, digest }: { path: string; digest: string }) => [
    { sourceRef: { kind: 'ExternalArtifact', name: 'source', namespace }, path, digest },
  ];
  const first = await bed.publish(chart('1.0.0'), '1.0.0');
  await bed.apply({}, 'app');
  const ready = await bed.when(({ status }) => status?.pinnedArtifacts !== undefined, 'app');
  expect(ready.status?.pinnedArtifacts).toEqual(pinOf(first));

  const refused = { 'templates/refused.yaml': '{{ fail "no" }}' };
  await bed.publish(chart('1.1.0', refused), '1.1.0');
  const failed = await bed.failed('UpgradeFailed', 'app');
  expect(failed.status?.pinnedArtifacts).toEqual(pinOf(first));

  const third = await bed.publish(chart('1.2.0'), '1.2.0');
  const released = await bed.ready('1.2.0', 'app');
  expect(released.status?.pinnedArtifacts).toEqual(pinOf(third));
});
