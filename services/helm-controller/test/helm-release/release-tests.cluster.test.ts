import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(testedChart());
});
afterAll(() => bed.stop());

/** A pod that runs as a test; it fails if the values say so. */
const testPod = (name: string) => `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-${name}
  annotations:
    helm.sh/hook: test
    test.sluice.dev/behaviour: {{ if has "${name}" .Values.failing }}fail{{ else }}complete{{ end }}
spec:
  restartPolicy: Never
  containers: [{ name: main, image: test }]
`;

function testedChart(version = '1.0.0') {
  return chart(version, {
    'values.yaml': 'text: default\nfailing: []\n',
    'templates/tests/one.yaml': testPod('one'),
    'templates/tests/two.yaml': testPod('two'),
  });
}

const stalled = (name: string) =>
  bed.when((object) => conditionOf(object, 'Stalled') !== undefined, name);

const textOf = async (name: string) => {
  const config = await bed.client.get(configMaps, { namespace: bed.namespace, name });
  return (config as unknown as { data: { text: string } }).data.text;
};

test('a release is ready once its tests have succeeded', async () => {
  await bed.apply({ test: { enable: true } }, 'good');
  const object = await bed.ready('1.0.0', 'good');
  expect(conditionOf(object)).toMatchObject({ status: 'True', reason: 'TestSucceeded' });
  expect(conditionOf(object, 'Released')).toMatchObject({ reason: 'InstallSucceeded' });
  expect(conditionOf(object, 'TestSuccess')).toMatchObject({
    status: 'True',
    message: expect.stringContaining('good.v1 with chart web@1.0.0 succeeded: 2 test hooks'),
  });
  const phases = object.status?.history?.[0]?.testHooks;
  expect(phases).toMatchObject({
    'good-one': { phase: 'Succeeded' },
    'good-two': { phase: 'Succeeded' },
  });
  expect(Object.keys(phases?.['good-one'] ?? {}).sort()).toEqual([
    'lastCompleted',
    'lastStarted',
    'phase',
  ]);

  await bed.patch({ test: { enable: false } }, 'good');
  const untested = await bed.ready('1.0.0', 'good');
  expect(conditionOf(untested, 'TestSuccess')).toBeUndefined();
  expect(conditionOf(untested)?.reason).toBe('InstallSucceeded');
  expect(untested.status?.history?.[0]?.version).toBe(1);
});

test('tests are run of a release that was made before they were asked for', async () => {
  await bed.apply({}, 'later');
  await bed.ready('1.0.0', 'later');
  await bed.patch({ test: { enable: true } }, 'later');
  const object = await bed.ready('1.0.0', 'later');
  expect(conditionOf(object)?.reason).toBe('TestSucceeded');
  expect(object.status?.history).toMatchObject([{ version: 1 }]);
});

test('only the tests that the filters leave are run', async () => {
  const filters = [{ name: 'filtered-two', exclude: true }];
  await bed.apply({ test: { enable: true, filters }, values: { failing: ['two'] } }, 'filtered');
  const object = await bed.ready('1.0.0', 'filtered');
  expect(Object.keys(object.status?.history?.[0]?.testHooks ?? {})).toEqual(['filtered-one']);
});

test('a failed test fails the release', async () => {
  await bed.apply({ test: { enable: true }, values: { failing: ['two'] } }, 'bad');
  const object = await stalled('bad');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'TestFailed' });
  expect(conditionOf(object)?.message).toContain('web/templates/tests/two.yaml');
  expect(conditionOf(object, 'Released')).toMatchObject({ status: 'True' });
  expect(object.status).toMatchObject({ failures: 1, installFailures: 1 });
  expect(object.status?.history).toMatchObject([
    {
      status: 'deployed',
      testHooks: { 'bad-one': { phase: 'Succeeded' }, 'bad-two': { phase: 'Failed' } },
    },
  ]);
});

test('a failed test that is ignored does not matter', async () => {
  const spec = { test: { enable: true, ignoreFailures: true }, values: { failing: ['two'] } };
  await bed.apply(spec, 'ignored');
  const object = await bed.ready('1.0.0', 'ignored');
  expect(conditionOf(object)?.reason).toBe('InstallSucceeded');
  expect(conditionOf(object, 'TestSuccess')).toMatchObject({
    status: 'False',
    reason: 'TestFailed',
  });
  expect(object.status).toMatchObject({ failures: 1 });
  expect(object.status).not.toHaveProperty('installFailures');
});

test('a failed test that the remediation ignores is only told', async () => {
  const install = { remediation: { ignoreTestFailures: true, remediateLastFailure: true } };
  await bed.apply({ test: { enable: true }, values: { failing: ['two'] }, install }, 'told');
  const object = await bed.failed('TestFailed', 'told');
  assertStatusContract(object);
  expect(object.status).toMatchObject({ observedGeneration: 1, failures: 1 });
  expect(object.status).not.toHaveProperty('installFailures');
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
  expect(conditionOf(object, 'Remediated')).toBeUndefined();
});

test('an install whose tests fail is uninstalled', async () => {
  const install = { remediation: { remediateLastFailure: true } };
  await bed.apply({ test: { enable: true }, values: { failing: ['one'] }, install }, 'undone');
  const object = await stalled('undone');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'UninstallSucceeded' });
  expect(conditionOf(object, 'TestSuccess')?.reason).toBe('TestFailed');
});

test('an upgrade whose tests fail is rolled back', async () => {
  const upgrade = { remediation: { remediateLastFailure: true } };
  const values = { text: 'good', failing: [] };
  await bed.apply({ test: { enable: true }, values, upgrade }, 'rolled-back');
  await bed.ready('1.0.0', 'rolled-back');
  await bed.patch({ values: { text: 'bad', failing: ['one'] } }, 'rolled-back');
  const object = await stalled('rolled-back');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'RollbackSucceeded' });
  expect(object.status?.history).toMatchObject([
    { version: 3, status: 'deployed', action: 'rollback' },
    { version: 2, status: 'superseded', testHooks: { 'rolled-back-one': { phase: 'Failed' } } },
    { version: 1, status: 'superseded' },
  ]);
  expect(await textOf('rolled-back')).toBe('good');

  // The rolled back release was not tested itself, which is done once it is what is asked for.
  await bed.patch({ values }, 'rolled-back');
  const healed = await bed.ready('1.0.0', 'rolled-back');
  expect(conditionOf(healed)?.reason).toBe('TestSucceeded');
  expect(conditionOf(healed, 'Remediated')).toBeUndefined();
  expect(healed.status?.history?.[0]?.version).toBe(3);
});
