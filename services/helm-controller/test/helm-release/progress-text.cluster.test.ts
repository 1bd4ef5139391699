import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { assertStatusContract, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import {
  type Bed,
  type ChartFiles,
  chart,
  conditionOf,
  configMaps,
  secrets,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

/** Far longer than the test may take. */
const timeout = '1h';

const chartRefOf = (name: string) => ({ kind: 'ExternalArtifact', name }) as const;
const messageOf = (object: HelmRelease, type = 'Reconciling') => conditionOf(object, type)?.message;
const failing = (why: string): ChartFiles => ({
  'templates/bad.yaml': `a: {{ fail "${why}" }}\n`,
});
const held = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, finalizers: [test.sluice.dev/hold] }\n`;

async function free(name: string): Promise<void> {
  const key = { namespace: bed.namespace, name };
  const patch = { metadata: { finalizers: null } };
  await bed.client.patch(configMaps, key, patch, { type: 'merge' });
  await untilGone(bed.client, configMaps, key);
}

test('while a failure waits for its retry, Reconciling tells of that failure and of no earlier one', async () => {
  await bed.publish(chart('1.0.0', failing('first')), '1.0.0', 'again');
  await bed.apply({ chartRef: chartRefOf('again') }, 'again');
  await bed.when((object) => messageOf(object)?.includes('first') ?? false, 'again');
  await bed.publish(chart('1.0.1', failing('second')), '1.0.1', 'again');
  const object = await bed.when(
    (one) => messageOf(one, 'Ready')?.includes('second') ?? false,
    'again',
  );
  assertStatusContract(object);
  expect(conditionOf(object, 'Reconciling')).toMatchObject({
    reason: 'ProgressingWithRetry',
    message: messageOf(object, 'Ready'),
  });
});

test('a new attempt after a failure for good is told as soon as it begins', async () => {
  await bed.publish(fragileChart(), '1.0.0', 'stalled');
  await bed.apply({ chartRef: chartRefOf('stalled'), values: { refused: true } }, 'stalled');
  await bed.when((object) => conditionOf(object, 'Stalled') !== undefined, 'stalled');
  const begun = bed.when((object) => messageOf(object)?.includes("'upgrade'") ?? false, 'stalled');
  await bed.patch({ values: { refused: true, text: 'other' } }, 'stalled');
  const object = await begun;
  expect(messageOf(object)).toBe("Running 'upgrade' action with a timeout of 5m0s");
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
});

test('an install that waits names what it waits for, without values of Secrets', async () => {
  await bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: bed.namespace, name: 'hidden' },
    stringData: { 'values.yaml': 'pending: true\ncode: unspeakable-code\n' },
  } as KubeObject);
  const code = { 'templates/code.yaml': codeDeployment };
  await bed.publish(fragileChart('1.0.0', code), '1.0.0', 'slow');
  const valuesFrom = [{ kind: 'Secret', name: 'hidden' } as const];
  await bed.apply({ chartRef: chartRefOf('slow'), valuesFrom, timeout }, 'slow');
  const object = await bed.when((one) => messageOf(one)?.includes('waiting for') ?? false, 'slow');
  assertStatusContract(object);
  expect(messageOf(object)).toMatch(
    /^Running 'install' action with a timeout of 1h0m0s, waiting for: \[Deployment\/.*\/slow-pending status: 'InProgress' \(.+\)/,
  );
  expect(conditionOf(object)).toMatchObject({ status: 'Unknown', message: messageOf(object) });
  expect(messageOf(object)?.split('Deployment/')).toHaveLength(3);
  expect(JSON.stringify(object.status?.conditions)).not.toContain('unspeakable');
});

/** A Deployment whose name is a secret, and whose pods never get ready. */
const codeDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: "{{ .Values.code }}" }
spec:
  selector: { matchLabels: { app: code } }
  template:
    metadata:
      labels: { app: code }
      annotations: { test.sluice.dev/behaviour: pending }
    spec:
      containers: [{ name: main, image: test }]
`;

test('a release that moves to another name is uninstalled, in that word, and its deletions are waited for', async () => {
  const files = { 'templates/held.yaml': held('{{ .Release.Name }}-held') };
  await bed.publish(chart('1.0.0', files), '1.0.0', 'moving');
  await bed.apply({ chartRef: chartRefOf('moving'), releaseName: 'old' }, 'moving');
  await bed.ready('1.0.0', 'moving');
  await bed.patch({ releaseName: 'new' }, 'moving');
  const object = await bed.when(
    (one) => messageOf(one)?.includes('waiting for') ?? false,
    'moving',
  );
  expect(messageOf(object)).toBe(
    `Running 'uninstall' action with a timeout of 5m0s, waiting for: [the deletion of ConfigMap/${bed.namespace}/old-held]`,
  );
  await free('old-held');
  await bed.ready('1.0.0', 'moving');
  const removed = bed.remove('moving');
  await bed.when((one) => messageOf(one)?.includes('new-held') ?? false, 'moving');
  await free('new-held');
  await removed;
});

test('an upgrade says deleted only of what is gone', async () => {
  const stays = `apiVersion: v1
kind: ConfigMap
metadata: { name: stays, annotations: { helm.sh/resource-policy: keep } }
`;
  const goes = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: goes }\n';
  const files = {
    'templates/held.yaml': held('held'),
    'templates/stays.yaml': stays,
    'templates/goes.yaml': goes,
  };
  await bed.publish(chart('1.0.0', files), '1.0.0', 'fates');
  await bed.apply({ chartRef: chartRefOf('fates') }, 'fates');
  await bed.ready('1.0.0', 'fates');
  await bed.publish(chart('1.0.1'), '1.0.1', 'fates');
  const object = await bed.ready('1.0.1', 'fates');
  expect(object.status?.history?.[0]).toMatchObject({
    changes: expect.stringContaining('1 deleted, 1 deletion requested, 1 kept'),
  });
  const { message } = await bed.event(({ reason }) => reason === 'UpgradeSucceeded');
  expect(message).toContain('ConfigMap/goes deleted');
  expect(message).toContain('ConfigMap/held deletion requested');
  expect(message).toContain('ConfigMap/stays kept');
  await free('held');
});
