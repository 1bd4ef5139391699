import {
  idleFlags,
  type KilledController,
  killedPhases,
  PhaseStory,
  repeatedRecords,
  startKilledController,
  toolPath,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, chart, conditionOf, startBed, suspendedHook } from '../harness.ts';

let bed: Bed;
let controller: KilledController;
const stories: PhaseStory[] = [];

beforeAll(async () => {
  bed = await startBed(idleFlags);
  controller = await startKilledController(bed, {
    name: 'helm-controller',
    // So that a kill finds some objects written and others not.
    args: ['--concurrent-apply=1', `--helm-renderer=${toolPath('helm-renderer')}`],
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

const template = (name: string, v: string, annotations = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, annotations },
    data: { v },
  });

async function begin(name: string): Promise<PhaseStory> {
  const story = await PhaseStory.start(
    {
      bed,
      controller,
      kind: 'HelmRelease',
      plural: 'helmreleases',
      publish: (source, version, objects) => {
        const files = Object.entries(objects).map(([one, v]) => [
          `templates/${one}.yaml`,
          /[{\n]/.test(v) ? v : template(one, v),
        ]);
        return bed.publish(
          chart(version, { 'templates/config.yaml': '', ...Object.fromEntries(files) }),
          version,
          source,
        );
      },
      spec: (source) => ({
        chartRef: { kind: 'ExternalArtifact' as const, name: source },
        driftDetection: { mode: 'enabled' as const },
      }),
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
    const object = await story.ready();
    expect(object).toHaveProperty('status.history.0.status', 'deployed');
    await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
  },
);

test('a process killed in the midst of an approved install does not run its hooks again', async () => {
  const story = await begin('hooked');
  const hook = template('hooked-c', story.valueOf(1), { 'helm.sh/hook': 'pre-install' });
  await story.commit({ present: ['a', 'b'], more: { 'hooked-c': hook } });
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'hooked' };
  await bed.apply({ chartRef, changePolicy: { mode: 'Approve' } }, 'hooked');
  const digest = await story.held();
  const dead = story.dieAt({ call: 'PATCH configmaps/hooked-a', moment: 'after' });
  await story.approve(digest);
  await dead;
  await story.revive();
  await story.ready();
  await story.holds('b', 1);
  expect(story.madeTimes('c')).toBe(1);
  expect(await story.wrongs()).toEqual([]);
});

test('a process killed between the record of a release and its first object is followed by one that ends it', async () => {
  const story = await begin('recorded');
  await story.begin();
  await story.commit();
  const digest = await story.held();
  const call = 'POST secrets/sh.helm.release.v1.recorded.v2';
  const dead = story.dieAt({ call, moment: 'after' });
  await story.approve(digest);
  await dead;
  await story.holds('a', 1);
  await story.revive();
  await story.ready();
  await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
});

test('a process killed in the midst of a rollback is followed by one that ends it', async () => {
  const story = await begin('back');
  const upgrade = { timeout: '3s', remediation: { remediateLastFailure: true } };
  await story.begin({ spec: { upgrade } });
  await story.commit({ more: { 'back-hook': suspendedHook('post-upgrade') } });
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
  await bed.when(
    (object) =>
      conditionOf(object, 'Remediated')?.status === 'True' &&
      conditionOf(object, 'Stalled')?.reason === 'RetriesExceeded',
    'back',
  );
  for (const one of ['a', 'b', 'c']) await story.holds(one, 1);
  await vi.waitFor(async () => expect(await story.wrongs()).toEqual([]));
});

test('the audit trail has one record of each decision, whoever was killed', async () => {
  // A release that is begun anew is another revision of Helm, with records of its own.
  const actions = ['plan', 'hold', 'approval', 'override', 'drift-correction'];
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
    const trail = (await story.trail()).filter(({ action }) => actions.includes(action));
    expect(repeatedRecords(trail), story.name).toEqual([]);
    const decided = trail.filter(({ action }) => action === 'approval' || action === 'override');
    expect(decided, story.name).toHaveLength(story.decisions);
  }
});
