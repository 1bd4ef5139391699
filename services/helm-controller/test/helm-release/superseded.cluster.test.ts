import type { KubeObject } from '@sluice/shared/api';
import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import {
  type Bed,
  chart,
  conditionOf,
  configMaps,
  deployments,
  finishJob,
  secrets,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

/** Far longer than any test may take: only what ends a wait early lets them pass. */
const timeout = '1h';

const waits = (name: string) =>
  bed.when(
    (object) =>
      conditionOf(object, 'Reconciling')?.reason === 'Progressing' &&
      conditionOf(object)?.message.startsWith('Running ') === true,
    name,
  );

test('a release that waits is replaced at once when something else is asked for', async () => {
  await bed.apply({ values: { pending: true }, timeout }, 'mended');
  const waiting = await waits('mended');
  expect(conditionOf(waiting)).toMatchObject({
    status: 'Unknown',
    reason: 'Progressing',
    message: expect.stringMatching(/^Running 'install' action with a timeout of 1h0m0s/),
  });
  await bed.patch({ values: { pending: false } }, 'mended');
  const mended = await bed.ready('1.0.0', 'mended');
  expect(mended.status?.history).toMatchObject([
    { version: 2, status: 'deployed' },
    { version: 1, status: 'superseded' },
  ]);
  expect(await bed.helm('get', 'manifest', 'mended')).not.toContain('Deployment');
});

test('a release that waits goes on when the same is asked for once more', async () => {
  const hook = `apiVersion: batch/v1
kind: Job
metadata: { name: migration, annotations: { helm.sh/hook: pre-install } }
spec:
  template:
    metadata: { annotations: { test.sluice.dev/behaviour: pending } }
    spec: { restartPolicy: Never, containers: [{ name: main, image: test }] }
`;
  await bed.publish(chart('1.0.0', { 'templates/hook.yaml': hook }), '1.0.0', 'hooked');
  const chartRef = { kind: 'ExternalArtifact', name: 'hooked' } as const;
  await bed.apply({ chartRef, timeout }, 'asked');
  await waits('asked');
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'one' }, 'asked');
  await bed.apply({}, 'after-asked');
  await bed.ready('1.0.0', 'after-asked');
  await finishJob(bed, 'migration');
  const object = await bed.ready('1.0.0', 'asked');
  expect(object.status).toMatchObject({
    lastHandledReconcileAt: 'one',
    history: [{ version: 1, status: 'deployed' }],
  });
});

test('a release that waits is replaced when it is asked for with other values', async () => {
  const { client, namespace } = bed;
  const key = { namespace, name: 'mode' };
  const mode = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key };
  const values = (pending: boolean) => ({ data: { 'values.yaml': `pending: ${pending}` } });
  await client.create(configMaps, { ...mode, ...values(true) } as KubeObject);
  await bed.apply({ valuesFrom: [{ kind: 'ConfigMap', name: 'mode' }], timeout }, 'valued');
  await waits('valued');
  await client.patch(configMaps, key, values(false), { type: 'merge' });
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'one' }, 'valued');
  const object = await bed.ready('1.0.0', 'valued');
  expect(object.status?.lastHandledReconcileAt).toBe('one');
});

test('the release before one that was replaced can still be rolled back to', async () => {
  const upgrade = { remediation: { remediateLastFailure: true } };
  await bed.apply({ timeout, upgrade }, 'twice');
  await bed.ready('1.0.0', 'twice');
  await bed.patch({ values: { pending: true } }, 'twice');
  await waits('twice');
  await bed.patch({ values: { pending: false, refused: true } }, 'twice');
  const object = await bed.when((one) => conditionOf(one, 'Stalled') !== undefined, 'twice');
  expect(conditionOf(object)?.reason).toBe('RollbackSucceeded');
  expect(object.status).toMatchObject({ upgradeFailures: 1 });
  expect(object.status?.history).toMatchObject([
    { version: 4, status: 'deployed' },
    { version: 3, status: 'failed' },
    { version: 2, status: 'failed' },
    { version: 1, status: 'superseded' },
  ]);
});

test('a new chart replaces a release that waits', async () => {
  await bed.publish(fragileChart('2.0.0'), '2.0.0', 'chart');
  const chartRef = { kind: 'ExternalArtifact', name: 'chart' } as const;
  await bed.apply({ chartRef, values: { pending: true }, timeout }, 'chart');
  await waits('chart');
  await bed.publish(fragileChart('2.0.1', { 'templates/pending.yaml': '' }), '2.0.1', 'chart');
  await bed.ready('2.0.1', 'chart');
});

test('a suspended release is left alone, also while it waits', async () => {
  await bed.apply({ values: { pending: true }, timeout }, 'suspended');
  await waits('suspended');
  await bed.patch({ suspend: true, values: { pending: false, text: 'new' } }, 'suspended');
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'one' }, 'suspended');
  await bed.apply({}, 'meanwhile');
  await bed.ready('1.0.0', 'meanwhile');
  expect((await bed.get('suspended')).status).not.toHaveProperty('lastHandledReconcileAt');
  await bed.patch({ suspend: false }, 'suspended');
  const object = await bed.ready('1.0.0', 'suspended');
  expect(object.status?.lastHandledReconcileAt).toBe('one');
});

test('what has ended while its HelmRelease was suspended does not decide about what is asked for since', async () => {
  const held = `apiVersion: v1
kind: ConfigMap
metadata: { name: held-back, finalizers: [test.sluice.dev/hold] }
`;
  await bed.publish(fragileChart('1.0.0', { 'templates/held.yaml': held }), '1.0.0', 'held');
  const chartRef = { kind: 'ExternalArtifact', name: 'held' } as const;
  const install = { remediation: { remediateLastFailure: true } };
  await bed.apply({ chartRef, install, values: { refused: true }, timeout }, 'held');
  await bed.when(
    (object) => conditionOf(object, 'Reconciling')?.message?.includes("'uninstall'") ?? false,
    'held',
  );
  await bed.patch({ suspend: true, values: { refused: false } }, 'held');
  const { client, namespace } = bed;
  const released = { metadata: { finalizers: null } };
  await client.patch(configMaps, { namespace, name: 'held-back' }, released, { type: 'merge' });
  await untilGone(client, secrets, { namespace, name: 'sh.helm.release.v1.held.v1' });
  await bed.patch({ suspend: false }, 'held');
  const object = await bed.ready('1.0.0', 'held');
  expect(conditionOf(object)?.reason).toBe('InstallSucceeded');
  await client.patch(configMaps, { namespace, name: 'held-back' }, released, { type: 'merge' });
});

test('a release that waits goes with its HelmRelease', async () => {
  await bed.apply({ values: { pending: true }, timeout }, 'removed');
  await waits('removed');
  await bed.remove('removed');
  expect(JSON.parse(await bed.helm('list', '-o', 'json', '--filter', 'removed'))).toEqual([]);
  await expect(
    bed.client.get(deployments, { namespace: bed.namespace, name: 'removed-pending' }),
  ).rejects.toMatchObject({ status: 404 });
});
