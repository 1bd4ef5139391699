import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart } from './harness.ts';
import { dieAtEachStep, type KillBed, parts, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});
afterAll(() => bed.stop());

test('an install that is cut short at any step is brought to its end', async () => {
  await bed.publish(chart('1.0.0', parts));
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    begin: (name) => bed.apply({ values: { parts: { a: 'one', b: 'two' } } }, name),
    end: (name) => bed.ready('1.0.0', name),
  });
  expect(undisturbed).toMatchObject({ helm: 'deployed', deployed: 1, unfinished: 0 });
  expect(undisturbed.inventory).toHaveLength(3);
  expect(disturbed).toEqual(wanted);
});
