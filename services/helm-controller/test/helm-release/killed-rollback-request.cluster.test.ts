import {
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart, conditionOf } from './harness.ts';
import { dieAtEachStep, type KillBed, parts, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});
afterAll(() => bed.stop());

test('a rollback that somebody asked for and that is cut short at any step is brought to its end', async () => {
  await bed.publish(chart('1.0.0', parts));
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    async prepare(name) {
      await bed.apply({ values: { parts: { changed: 'one', removed: 'one' } } }, name);
      await bed.ready('1.0.0', name);
      const values = { parts: { changed: 'two', added: 'two', removed: null } };
      await bed.patch({ values: values as never }, name);
      await bed.when(({ status }) => status?.history?.[0]?.version === 2, name);
    },
    begin: (name) =>
      bed.annotate(
        {
          [rollbackRequestAnnotation]: 'one',
          [rollbackFromAnnotation]: `${bed.namespace}/${name}.v2`,
          [rollbackReasonAnnotation]: 'incident 7',
        },
        name,
      ),
    end: (name) => bed.when((object) => conditionOf(object)?.reason === 'RolledBack', name),
  });
  expect(undisturbed).toMatchObject({ helm: 'deployed', deployed: 1, unfinished: 0 });
  expect(undisturbed.objects).toContain('ConfigMap/NAME-changed {"text":"one"} of NAME');
  expect(undisturbed.objects.join()).not.toContain('added');
  expect(disturbed).toEqual(wanted);
});
