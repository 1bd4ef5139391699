import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart, conditionOf } from './harness.ts';
import { dieAtEachStep, type KillBed, startKillBed } from './kill-bed.ts';

let bed: KillBed;
beforeAll(async () => {
  bed = await startKillBed();
});
afterAll(() => bed.stop());

const tests = {
  'templates/tests.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-try
  annotations:
    helm.sh/hook: test
    test.sluice.dev/behaviour: complete
spec:
  restartPolicy: Never
  containers:
    - name: main
      image: example/try
`,
};

test('tests that are cut short at any step run to their end', async () => {
  await bed.publish(chart('1.0.0', tests));
  const { undisturbed, disturbed, wanted } = await dieAtEachStep(bed, {
    async prepare(name) {
      await bed.apply({}, name);
      await bed.ready('1.0.0', name);
    },
    begin: (name) => bed.patch({ test: { enable: true } }, name),
    end: (name) =>
      bed.when((object) => conditionOf(object, 'TestSuccess')?.status === 'True', name),
  });
  expect(undisturbed).toMatchObject({ helm: 'deployed', deployed: 1, unfinished: 0 });
  expect(disturbed).toEqual(wanted);
});
