import type { Kustomization, Snapshot } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, startBed } from './harness.ts';
import { type Asked, filesOf, rollbacksOn, snapshots, sourceOf } from './rollback-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const { again, ask, eventsOf, healthy, isThere, rolledBack } = rollbacksOn(() => bed);
const healthyAt = (name: string, revision: string, files: Record<string, string>) =>
  healthy({ name, revision, files });

describe('a request that cannot be met is refused with the fix, and nothing is done', () => {
  /** Expects a refusal, which is told, while the object stays ready. */
  async function refused(object: Kustomization, why: RegExp, o: Asked = {}) {
    const { name } = object.metadata;
    const answered = await ask(object, o);
    expect(answered.status?.rollback).toMatchObject({
      result: 'Refused',
      message: expect.stringMatching(why),
    });
    const settled = await again(name, `after ${o.at ?? 'one'}`);
    expect(conditionOf(settled)?.status).toBe('True');
    expect(settled.status?.change).toEqual(object.status?.change);
    const [event] = eventsOf(name, 'RollbackRefused').slice(-1);
    expect(event?.message).toMatch(why);
  }

  test('nothing keeps Snapshots', async () => {
    const name = 'free';
    await bed.publish(filesOf(name, '1'), 'r1', name);
    await bed.apply({ ...sourceOf(name), interval: '10m' }, name);
    await refused(await bed.ready('r1', name), /undo sha.*, and nothing is applied by now/, {
      from: `sha256:${'a'.repeat(64)}`,
    });
    await bed.patch({ changePolicy: { pruneGuard: { maxObjects: 9 } } }, name);
    const object = await bed.when(({ status }) => status?.change?.healthy !== undefined, name);
    await refused(object, /set spec\.changePolicy\.rollback to LastHealthy/, { at: 'two' });
  });

  test('nothing was healthy before, the request is stale, has no reason, or the mode is Plan', async () => {
    const name = 'wrong';
    const object = await healthyAt(name, 'r1', filesOf(name, '1'));
    await refused(object, /no change before revision r1 was healthy and kept/, { at: 'a' });
    const stale = { at: 'b', from: `sha256:${'b'.repeat(64)}` };
    await refused(object, /is applied by now: look again$/, stale);
    await refused(object, /it has no reason/, { at: 'c', reason: ' ' });
    await bed.patch({ changePolicy: { mode: 'Plan', rollback: 'LastHealthy' } }, name);
    await again(name, 'planned');
    await refused(object, /mode is Plan/, { at: 'd' });
  });

  test('it would delete more than the guard allows', async () => {
    const name = 'guard';
    await healthyAt(name, 'r1', filesOf(name, '1'));
    const more = { 'b.yaml': configMap('guard-b'), 'c.yaml': configMap('guard-c') };
    await healthyAt(name, 'r2', filesOf(name, '2', more));
    await bed.patch(
      { changePolicy: { rollback: 'LastHealthy', pruneGuard: { maxObjects: 1 } } },
      name,
    );
    const object = await again(name, 'guarded');
    await refused(object, /it would delete 2 of 3 objects, .*maxObjects is 1/);
    expect(await isThere('guard-c')).toBe(true);
    await bed.patch(
      { changePolicy: { rollback: 'LastHealthy', pruneGuard: { maxObjects: 2 } } },
      name,
    );
    await again(name, 'raised');
    await ask(object, { at: 'more' });
    await rolledBack(name);
    expect(await isThere('guard-c')).toBe(false);
  });

  test('the Snapshot is gone', async () => {
    const name = 'lost';
    await healthyAt(name, 'r1', filesOf(name, '1'));
    const object = await healthyAt(name, 'r2', filesOf(name, '2'));
    const { items } = await bed.client.list<Snapshot>(snapshots, { namespace: bed.namespace });
    for (const { metadata, spec } of items)
      if (spec.targetRef.name === name) await bed.client.delete(snapshots, metadata);
    await bed.restart();
    await refused(object, /Snapshot 'kustomization-lost-[0-9a-f]+' does not exist/);
  });
});
