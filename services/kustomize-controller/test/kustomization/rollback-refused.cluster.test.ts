import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, startBed, stuck } from './harness.ts';
import { policy, rollbacksOn, snapshots, sourceOf } from './rollback-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const { healthy, isThere, snapshotsOf } = rollbacksOn(() => bed);

describe('a rollback that cannot be had says why', () => {
  test('nothing was healthy before', async () => {
    const name = 'never';
    await bed.publish({ 'd.yaml': stuck('never-d') }, 'r1', name);
    await bed.apply({ ...sourceOf(name), ...policy }, name);
    const object = await bed.failed('HealthCheckFailed', name);
    expect(conditionOf(object)?.message).toMatch(
      /It cannot be rolled back: no change has been healthy before$/,
    );
  });

  test('the Snapshot is gone', async () => {
    const name = 'lost';
    const object = await healthy({ name, files: { 'a.yaml': configMap('lost-a', { k: '1' }) } });
    for (const { metadata } of await snapshotsOf(object))
      await bed.client.delete(snapshots, metadata);
    await bed.restart();
    await bed.publish({ 'd.yaml': stuck('lost-d') }, 'r2', name);
    const failed = await bed.failed('HealthCheckFailed', name);
    expect(conditionOf(failed)?.message).toMatch(
      /It cannot be rolled back: Snapshot 'kustomization-lost-[0-9a-f]+' does not exist$/,
    );
  });

  test('somebody has altered the Snapshot', async () => {
    const name = 'altered';
    const object = await healthy({ name, files: { 'a.yaml': configMap('altered-a', { k: '1' }) } });
    for (const { metadata } of await snapshotsOf(object))
      await bed.client.patch(
        snapshots,
        metadata,
        { spec: { content: 'H4sIAAAAAAAAA4uOBQApu0wNAgAAAA==' } },
        { type: 'merge' },
      );
    await bed.publish({ 'd.yaml': stuck('altered-d') }, 'r2', name);
    const failed = await bed.failed('HealthCheckFailed', name);
    expect(conditionOf(failed)?.message).toMatch(/cannot be used: .* somebody has altered it$/);
    expect(await isThere('altered-a')).toBe(false);
  });

  test('the build was too large', async () => {
    const name = 'large';
    const parts = Array.from({ length: 4 }, (_, i) => {
      const bytes = new Uint8Array(300_000);
      for (let at = 0; at < bytes.length; at += 65_536)
        crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      const value = Buffer.from(bytes).toString('base64');
      return [`${i}.yaml`, configMap(`large-${i}`, { value })] as const;
    });
    await bed.publish(Object.fromEntries(parts), 'r1', name);
    await bed.apply({ ...sourceOf(name), ...policy, timeout: '30s' }, name);
    await bed.ready('r1', name);
    const event = await bed.event(({ reason }) => reason === 'SnapshotNotKept');
    expect(event.message).toMatch(
      /^No Snapshot of revision r1 is kept.* a Snapshot holds 1048576$/,
    );
    await bed.patch({ timeout: '2s' }, name);
    await bed.publish({ 'd.yaml': stuck('large-d') }, 'r2', name);
    const failed = await bed.failed('HealthCheckFailed', name);
    expect(conditionOf(failed)?.message).toMatch(
      /It cannot be rolled back: no Snapshot of revision r1 is kept: it was too large/,
    );
  });
});
