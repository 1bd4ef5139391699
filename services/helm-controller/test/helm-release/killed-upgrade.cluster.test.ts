import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart } from './harness.ts';
import { dieAtEachStep, type KillBed, parts, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});
afterAll(() => bed.stop());

test('an upgrade that is cut short at any step is brought to its end', async () => {
  await bed.publish(chart('1.0.0', parts));
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    async prepare(name) {
      await bed.apply({ values: { parts: { changed: 'one', removed: 'one' } } }, name);
      await bed.ready('1.0.0', name);
    },
    begin: (name) =>
      bed.patch({ values: { parts: { changed: 'two', added: 'two', removed: null } } }, name),
    end: (name) => bed.ready('1.0.0', name),
  });
  expect(undisturbed).toMatchObject({ helm: 'deployed', deployed: 1, unfinished: 0 });
  expect(undisturbed.objects.join()).not.toContain('removed');
  expect(disturbed).toEqual(wanted);
});

test('what a person has made of an interrupted upgrade is not lost', async () => {
  const name = 'k99a';
  await bed.apply({ values: { parts: { a: 'one' } } }, name);
  await bed.ready('1.0.0', name);
  const step = { call: 'apply ConfigMap/NAME-a', occurrence: 1, done: false };
  const death = bed.killer.plan(name, step, 'after');
  await bed.patch({ values: { parts: { a: 'two' } } }, name);
  await death;
  await bed.helm('rollback', name, '1', '--force-conflicts');
  await bed.restart();
  const object = await bed.ready('1.0.0', name);
  expect(object.status?.history).toMatchObject([{ version: 4, status: 'deployed' }]);
  const history = JSON.parse(await bed.helm('history', name, '-o', 'json'));
  expect(history).toMatchObject([
    { revision: 1, status: 'superseded' },
    { revision: 2, status: 'pending-upgrade' },
    { revision: 3, status: 'superseded', description: 'Rollback to 1' },
    { revision: 4, status: 'deployed' },
  ]);
});
