import type { HelmReleaseSpec } from '@sluice/shared/api';
import type { ObjectKey } from '@sluice/shared/kube';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, configMaps, secrets, startBed } from './harness.ts';

/** A hook that fails before a rollback, in a release whose values say so. */
const failingRollback = `{{ if .Values.stuck }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-before-rollback
  annotations:
    helm.sh/hook: pre-rollback
    test.sluice.dev/behaviour: fail
spec:
  restartPolicy: Never
  containers: [{ name: main, image: test }]
{{ end }}
`;

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(fragileChart('1.0.0', { 'templates/rollback.yaml': failingRollback }));
});
afterAll(() => bed.stop());

const textOf = async (name: string) => {
  const config = await bed.client.get(configMaps, { namespace: bed.namespace, name });
  return (config as unknown as { data: { text: string } }).data.text;
};

const stalled = (name: string) =>
  bed.when((object) => conditionOf(object, 'Stalled') !== undefined, name);

const historyOf = async (name: string) => JSON.parse(await bed.helm('history', name, '-o', 'json'));

const good = { text: 'good', refused: false };
const bad = { text: 'bad', refused: true };

async function fail(name: string, spec: Partial<HelmReleaseSpec> = {}) {
  await bed.apply({ values: good, ...spec }, name);
  await bed.ready('1.0.0', name);
  await bed.patch({ values: bad }, name);
  const object = await stalled(name);
  assertStatusContract(object);
  expect(conditionOf(object, 'Released')).toMatchObject({
    status: 'False',
    reason: 'UpgradeFailed',
  });
  return object;
}

test('a failed upgrade stays as it is by default', async () => {
  const object = await fail('plain');
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
  expect(conditionOf(object, 'Stalled')).toMatchObject({
    reason: 'RetriesExceeded',
    message: 'Failed to upgrade after 1 attempt(s)',
  });
  expect(object.status?.history).toMatchObject([
    { version: 2, status: 'failed', action: 'upgrade' },
    { version: 1, status: 'deployed' },
  ]);
  const failure = bed.events.find(
    ({ involvedObject, reason }) => involvedObject.name === 'plain' && reason === 'UpgradeFailed',
  );
  expect(failure?.metadata).toMatchObject({
    'facts.sluice.dev/firstFailure': expect.stringContaining('apply failed'),
    'facts.sluice.dev/changes': expect.stringContaining('values: refused, text'),
  });
});

test('an upgrade is rolled back and tried again, and rolled back for good at last', async () => {
  const object = await fail('rolled-back', { upgrade: { remediation: { retries: 1 } } });
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'RollbackSucceeded' });
  expect(conditionOf(object, 'Remediated')).toMatchObject({
    status: 'True',
    reason: 'RollbackSucceeded',
  });
  expect(conditionOf(object, 'Stalled')).toMatchObject({
    reason: 'RetriesExceeded',
    message: 'Failed to upgrade after 2 attempt(s)',
  });
  expect(object.status).toMatchObject({
    observedGeneration: 2,
    lastAttemptedReleaseAction: 'upgrade',
    upgradeFailures: 2,
  });
  expect(object.status?.history).toMatchObject([
    { version: 5, status: 'deployed', action: 'rollback' },
    { version: 4, status: 'failed', action: 'upgrade' },
    { version: 3, status: 'superseded', action: 'rollback' },
  ]);
  expect(await textOf('rolled-back')).toBe('good');
  expect(await historyOf('rolled-back')).toMatchObject([
    { revision: 1, status: 'superseded' },
    { revision: 2, status: 'failed' },
    { revision: 3, status: 'superseded', description: 'Rollback to 1' },
    { revision: 4, status: 'failed' },
    { revision: 5, status: 'deployed', description: 'Rollback to 3' },
  ]);

  // What was rolled back to is what is asked for again: nothing has to be done.
  await bed.patch({ values: good }, 'rolled-back');
  const healed = await bed.ready('1.0.0', 'rolled-back');
  expect(conditionOf(healed)).toMatchObject({ status: 'True', reason: 'UpgradeSucceeded' });
  expect(conditionOf(healed, 'Remediated')).toBeUndefined();
  expect(healed.status?.history?.[0]?.version).toBe(5);
});

test('a rollback that fails is said to have failed', async () => {
  const upgrade = { remediation: { retries: 0, remediateLastFailure: true } };
  await bed.apply({ values: { ...good, stuck: true }, upgrade }, 'stuck');
  await bed.ready('1.0.0', 'stuck');
  await bed.patch({ values: bad }, 'stuck');
  const object = await bed.when(
    (one) => conditionOf(one, 'Remediated')?.reason === 'RollbackFailed',
    'stuck',
  );
  expect(conditionOf(object, 'Remediated')?.status).toBe('False');
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'RollbackFailed' });
});

test('a failed upgrade is uninstalled and installed anew', async () => {
  const upgrade = { remediation: { retries: 1, strategy: 'uninstall' } } as const;
  await bed.apply({ values: good, upgrade, install: { remediation: { retries: 0 } } }, 'anew');
  await bed.ready('1.0.0', 'anew');
  await bed.patch({ values: bad }, 'anew');
  const object = await stalled('anew');
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'InstallFailed' });
  expect(object.status).toMatchObject({ upgradeFailures: 1, installFailures: 1 });
  expect(object.status?.history).toMatchObject([{ version: 1, status: 'failed' }]);
  expect(await historyOf('anew')).toMatchObject([{ revision: 1, status: 'failed' }]);

  await bed.patch({ values: good }, 'anew');
  await bed.ready('1.0.0', 'anew');
});

test('without an earlier good release there is nothing to roll back to', async () => {
  const upgrade = { remediation: { retries: 1 } };
  await bed.apply({ values: bad, upgrade }, 'never-good');
  await stalled('never-good');
  await bed.patch({ values: { ...bad, text: 'other' } }, 'never-good');
  const object = await bed.when(
    (one) => conditionOf(one, 'Stalled')?.reason === 'MissingRollbackTarget',
    'never-good',
  );
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
});

test.for([
  {
    name: 'gone',
    change: (key: ObjectKey) => bed.client.delete(secrets, key),
  },
  {
    name: 'another',
    change: async (key: ObjectKey) => {
      const other = { ...key, name: key.name.replace('another', 'other') };
      const { data } = (await bed.client.get(secrets, other)) as unknown as { data: object };
      return bed.client.patch(secrets, key, { data }, { type: 'merge' });
    },
  },
])('nothing is rolled back to when its record is $name', async ({ name, change }) => {
  await bed.apply({ values: good }, 'other');
  await fail(name);
  await bed.ready('1.0.0', 'other');
  await change({ namespace: bed.namespace, name: `sh.helm.release.v1.${name}.v1` });
  await bed.patch({ upgrade: { remediation: { remediateLastFailure: true } } }, name);
  const object = await bed.when((one) => one.status?.observedGeneration === 3, name);
  assertStatusContract(object);
  expect(conditionOf(object)).toMatchObject({ status: 'False', reason: 'UpgradeFailed' });
  expect(conditionOf(object, 'Remediated')).toBeUndefined();
  expect(object.status?.history?.[0]).toMatchObject({ version: 3, status: 'failed' });
  await bed.remove('other');
});
