import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart, conditionOf } from './harness.ts';
import { dieAtEachStep, type KillBed, parts, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});
afterAll(() => bed.stop());

test('the rollback of a failed upgrade that is cut short at any step is brought to its end', async () => {
  await bed.publish(chart('1.0.0', parts));
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    async prepare(name) {
      await bed.apply(
        {
          upgrade: { remediation: { remediateLastFailure: true } },
          values: { parts: { changed: 'one', removed: 'one' } },
        },
        name,
      );
      await bed.ready('1.0.0', name);
    },
    begin: (name) =>
      bed.patch(
        { values: { broken: true, parts: { changed: 'two', added: 'two', removed: null } } },
        name,
      ),
    choose: (steps) =>
      steps.slice(steps.findIndex(({ call }) => call === 'apply Service/NAME-broken')),
    end: (name) =>
      bed.when(
        (object) =>
          conditionOf(object, 'Remediated')?.status === 'True' &&
          conditionOf(object, 'Stalled')?.reason === 'RetriesExceeded',
        name,
      ),
  });
  expect(undisturbed).toMatchObject({ helm: 'deployed', deployed: 1, unfinished: 0 });
  expect(undisturbed.objects).toContain('ConfigMap/NAME-changed {"text":"one"} of NAME');
  expect(undisturbed.objects.join()).not.toContain('added');
  expect(disturbed).toEqual(wanted);
});
