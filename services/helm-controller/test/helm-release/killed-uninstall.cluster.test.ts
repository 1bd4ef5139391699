import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart, helmReleases } from './harness.ts';
import { dieAtEachStep, type KillBed, parts, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});
afterAll(() => bed.stop());

test('an uninstallation that is cut short at any step is brought to its end', async () => {
  await bed.publish(chart('1.0.0', parts));
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    async prepare(name) {
      await bed.apply({ values: { parts: { a: 'one', b: 'two' } } }, name);
      await bed.ready('1.0.0', name);
    },
    begin: (name) => bed.client.delete(helmReleases, { namespace: bed.namespace, name }),
    end: (name) => untilGone(bed.client, helmReleases, { namespace: bed.namespace, name }),
  });
  expect(undisturbed).toMatchObject({ deployed: 0, unfinished: 0, conditions: [] });
  expect(undisturbed.objects).toEqual(['ConfigMap/NAME-before {"text":"before"} of NAME']);
  expect(disturbed).toEqual(wanted);
});
