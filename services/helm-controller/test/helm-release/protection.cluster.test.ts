import type { KubeObject } from '@sluice/shared/api';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import { finishJob, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, jobs, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--min-retry-delay=1h', '--max-retry-delay=1h']);
});
afterAll(() => bed.stop());

const { namespaces, customResourceDefinitions: crds } = coreResources;
const keyOf = (name: string) => ({ namespace: bed.namespace, name });

const namespaceTemplate = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function definition(group: string, kind: string): KubeObject {
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural: `${singular}s`, singular, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: any } }],
    },
  } as KubeObject;
}

async function isDeleted(name: string): Promise<boolean> {
  try {
    const { metadata } = await bed.client.get<KubeObject>(namespaces, { name });
    return metadata.deletionTimestamp !== undefined;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

test('neither an upgrade nor an uninstallation deletes more than the release has made', async () => {
  const [before, made] = [`${bed.namespace}-before`, `${bed.namespace}-made`];
  const crd = definition(`${bed.namespace}.toolkit.fluxcd.io`, 'Tool');
  await bed.client.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: before },
  });
  const templates = {
    'templates/before.yaml': namespaceTemplate(before),
    'templates/made.yaml': namespaceTemplate(made),
    'templates/crd.yaml': JSON.stringify(crd),
  };
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'protected' };
  await bed.publish(chart('1.0.0', templates), '1.0.0', 'protected');
  await bed.apply({ chartRef }, 'protected');
  const first = await bed.ready('1.0.0', 'protected');
  const marked = first.status?.inventory?.entries.filter(({ adopted }) => adopted);
  expect(marked).toEqual([{ id: `_${before}__Namespace`, v: 'v1', adopted: true }]);

  await bed.restart();
  await bed.publish(chart('2.0.0'), '2.0.0', 'protected');
  const second = await bed.ready('2.0.0', 'protected');
  const { name } = crd.metadata;
  const message = conditionOf(second, 'Released')?.message;
  expect(message).toContain('\nNot deleted:\n');
  expect(message).toContain(`CustomResourceDefinition/${name} stays: `);
  expect(message).toContain(`Namespace/${before} stays: it was there before`);
  const event = await bed.event((e) => e.reason === 'PruneRefused');
  expect(event).toMatchObject({ severity: 'error', involvedObject: { name: 'protected' } });
  await bed.client.get(crds, { name });
  expect([await isDeleted(before), await isDeleted(made)]).toEqual([false, true]);
});

test('an object that asks for it is deleted only once it is confirmed', async () => {
  const annotations = { 'prune.sluice.dev/confirm': 'required' };
  const precious = (name: string) => ({
    [`templates/${name}.yaml`]: JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, annotations },
    }),
  });
  const templates = { ...precious('confirmed'), ...precious('unconfirmed') };
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'confirm' };
  await bed.publish(chart('1.0.0', templates), '1.0.0', 'confirm');
  await bed.apply({ chartRef }, 'confirm');
  await bed.ready('1.0.0', 'confirm');
  const named = `ConfigMap/${bed.namespace}/confirmed`;
  await bed.annotate({ 'prune.sluice.dev/allow': named }, 'confirm');
  await bed.publish(chart('2.0.0'), '2.0.0', 'confirm');
  const object = await bed.ready('2.0.0', 'confirm');
  const message = conditionOf(object, 'Released')?.message;
  expect(message).toContain(`ConfigMap/${bed.namespace}/unconfirmed stays: its annotation`);
  await bed.client.get(configMaps, keyOf('unconfirmed'));
  await expect(bed.client.get(configMaps, keyOf('confirmed'))).rejects.toMatchObject({
    status: 404,
  });
});

test('the annotation of the HelmRelease names what may go', async () => {
  const before = `${bed.namespace}-allowed`;
  await bed.client.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: before },
  });
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'allowed' };
  const templates = { 'templates/before.yaml': namespaceTemplate(before) };
  await bed.publish(chart('1.0.0', templates), '1.0.0', 'allowed');
  await bed.apply({ chartRef }, 'allowed');
  await bed.ready('1.0.0', 'allowed');
  await bed.annotate({ 'prune.sluice.dev/allow': `Namespace/${before}` }, 'allowed');
  await bed.remove('allowed');
  expect(await isDeleted(before)).toBe(true);
});

test('a release is made as soon as the definition that it lacks arrives', async () => {
  const group = `late.${bed.namespace}.example.com`;
  const late = { apiVersion: `${group}/v1`, kind: 'Late', metadata: { name: 'late' } };
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'late' };
  const templates = { 'templates/late.yaml': JSON.stringify(late) };
  await bed.publish(chart('1.0.0', templates), '1.0.0', 'late');
  await bed.apply({ chartRef }, 'late');
  const failed = await bed.failed('InstallFailed', 'late');
  expect(conditionOf(failed)?.message).toContain(
    `Late/late: the cluster serves no kind Late in ${group}/v1`,
  );
  await bed.client.create(crds, definition(group, 'Late'));
  // The retry is an hour away.
  await bed.ready('1.0.0', 'late');
});

test('a Job that removes itself after it has succeeded is no drift', async () => {
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate' },
    spec: {
      ttlSecondsAfterFinished: 0,
      template: {
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/x:1' }] },
      },
    },
  };
  const chartRef = { kind: 'ExternalArtifact' as const, name: 'job' };
  const templates = { 'templates/job.yaml': JSON.stringify(job) };
  await bed.publish(chart('1.0.0', templates), '1.0.0', 'job');
  await bed.apply({ chartRef, driftDetection: { mode: 'enabled' } }, 'job');
  await finishJob(bed.client, keyOf('migrate'));
  await bed.ready('1.0.0', 'job');
  await untilGone(bed.client, jobs, keyOf('migrate'));

  // By the time that this later deletion is undone, the other one would have been, too; and so after a restart.
  for (const _ of ['watched', 'restarted']) {
    const { metadata } = await bed.client.get(configMaps, keyOf('job'));
    await bed.client.delete(configMaps, keyOf('job'));
    await until(bed.client, configMaps, keyOf('job'), (o) => o.metadata.uid !== metadata.uid);
    await bed.event((e) => e.message === `ConfigMap/${bed.namespace}/job deleted; created again`);
    await expect(bed.client.get(jobs, keyOf('migrate'))).rejects.toMatchObject({ status: 404 });
    await bed.restart();
  }
});
