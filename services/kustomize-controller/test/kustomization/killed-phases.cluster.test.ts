import {
  idleFlags,
  type KilledController,
  killedPhases,
  PhaseStory,
  repeatedRecords,
  startKilledController,
  toolPath,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Bed, conditionOf, configMap, startBed, stuck } from './harness.ts';

let bed: Bed;
let controller: KilledController;
const stories: PhaseStory[] = [];

beforeAll(async () => {
  bed = await startBed(idleFlags);
  controller = await startKilledController(bed, {
    name: 'kustomize-controller',
    // So that a kill finds some objects written and others not.
    args: ['--concurrent-ssa=1', '--least-timeout=1s', `--sops-binary=${toolPath('sops')}`],
  });
});
afterEach(async () => {
  await controller.settle();
  await controller.revive();
});
afterAll(async () => {
  for (const story of stories) await story.stop();
  await controller.stop();
  await bed.stop();
});

async function begin(name: string): Promise<PhaseStory> {
  const story = await PhaseStory.start(
    {
      bed,
      controller,
      kind: 'Kustomization',
      plural: 'kustomizations',
      publish: (source, revision, objects) => {
        const files = Object.entries(objects).map(([one, v]) => [
          `${one}.yaml`,
          v.startsWith('{') ? v : configMap(one, { v }),
        ]);
        return bed.publish(Object.fromEntries(files), revision, source);
      },
      spec: (source) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name: source } }),
    },
    name,
  );
  stories.push(story);
  return story;
}

test.each(killedPhases)(
  'a process killed $when is followed by one that ends the change',
  async ({ name, tell }) => {
    const story = await begin(name);
    await tell(story);
    await story.ready();
    await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
  },
);

describe('a process killed between a Snapshot and the status that refers to it', () => {
  /** Lets a change through, and has the process die when its Snapshot is kept. */
  async function die(name: string): Promise<PhaseStory> {
    const story = await begin(name);
    await story.begin();
    await story.commit();
    const digest = await story.held();
    const call = new RegExp(`^POST snapshots/kustomization-${name}-`);
    const dead = story.dieAt({ call, moment: 'after' });
    await story.approve(digest);
    await dead;
    return story;
  }

  test('is followed by one that ends the change, and keeps no second one', async () => {
    const story = await die('kept');
    await story.revive();
    await story.ready();
    await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
  });

  test('is followed by one that removes it when the source is as before again', async () => {
    const story = await die('useless');
    await story.commit({ as: 1 });
    await story.revive();
    await story.ready();
    await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
  });
});

test('a process killed in the midst of a rollback is followed by one that ends it', async () => {
  const story = await begin('back');
  const spec = { wait: true, timeout: '2s' };
  await story.begin({ policy: { rollback: 'LastHealthy' }, spec });
  await story.commit({ more: { 'back-d': stuck('back-d') } });
  const digest = await story.held();
  const dead = story.dieAt({
    call: 'PATCH configmaps/back-a',
    holding: story.valueOf(1),
    moment: 'after',
  });
  await story.approve(digest);
  await dead;
  await story.holds('a', 1);
  await story.holds('c', 2);
  await story.revive();
  const object = await bed.failed('RolledBack', 'back');
  expect(conditionOf(object)?.message).toMatch(/^Revision 2.0.0 .* and 1.0.0 is applied/);
  for (const one of ['a', 'b', 'c']) await story.holds(one, 1);
  expect(object.status?.inventory?.entries).toHaveLength(3);
  await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
});

test('the audit trail has one record of each action, whoever was killed', async () => {
  // Records are stored in the order in which they were made, also by those that are dead.
  const last = await begin('last');
  await last.begin();
  await last.commit();
  await last.approve(await last.held());
  await last.ready();
  await vi.waitFor(async () => {
    const ended = (await last.trail()).filter(({ phase }) => phase === 'ended');
    expect(ended.at(-1)).toMatchObject({ revision: last.revision, result: 'succeeded' });
  });
  for (const story of stories) {
    // The first revision was applied once more when the policy came.
    const trail = (await story.trail()).filter(({ revision }) => revision !== '1.0.0');
    expect(repeatedRecords(trail), story.name).toEqual([]);
    const decisions = trail.filter(({ action }) => action === 'approval' || action === 'override');
    expect(decisions, story.name).toHaveLength(story.decisions);
  }
});
