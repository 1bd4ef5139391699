import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, configMaps, kustomizations, startBed } from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

test('after a restart drift is healed and watched again, without news about what is unchanged', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'a.yaml': configMap('a', { k: 'v' }) }, 'r1');
  await bed.apply();
  await bed.ready('r1');
  const key = { namespace, name: 'a' };
  await bed.restart();
  await client.patch(
    configMaps,
    key,
    { data: { k: 'edited' } },
    { type: 'merge', fieldManager: 'kubectl-edit' },
  );
  await until<ConfigMap>(client, configMaps, key, (o) => o.data?.['k'] === 'v');
  const object = await bed.ready('r1');
  expect(object.status?.inventory?.entries).toHaveLength(1);
});

test('what a killed process left of a build is removed at the next start', async () => {
  const leftover = join(bed.workPath, 'builds', 'build-of-a-killed-process');
  mkdirSync(leftover, { recursive: true });
  await bed.restart();
  expect(existsSync(leftover)).toBe(false);
});

test('objects that were about to be created when the process died are pruned when they leave the source', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'a.yaml': configMap('stays') }, 'r1', 'killed');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'killed' } }, 'killed');
  const object = await bed.ready('r1', 'killed');
  // What a process that dies between its first write and its last status leaves behind.
  const leftover = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'leftover',
      namespace,
      labels: {
        'kustomize.toolkit.fluxcd.io/name': 'killed',
        'kustomize.toolkit.fluxcd.io/namespace': namespace,
      },
    },
  };
  await client.create(configMaps, leftover);
  const entries = [
    ...(object.status?.inventory?.entries ?? []),
    { id: `${namespace}_leftover__ConfigMap`, v: 'v1' },
  ];
  await client.patch(
    kustomizations,
    { namespace, name: 'killed' },
    { status: { inventory: { entries } } },
    { type: 'merge', subresource: 'status' },
  );
  await bed.restart();
  await bed.when((o) => o.status?.inventory?.entries.length === 1, 'killed');
  await expect(client.get(configMaps, { namespace, name: 'leftover' })).rejects.toMatchObject({
    status: 404,
  });
});

test('a request is handled, and said so last', async () => {
  await bed.publish({ 'a.yaml': configMap('requested') }, 'r1', 'requested');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'requested' } }, 'requested');
  await bed.ready('r1', 'requested');
  await bed.publish({ 'a.yaml': '}' }, 'r2', 'requested');
  await bed.failed('BuildFailed', 'requested');
  const requestedAt = '2030-01-01T00:00:00Z';
  await bed.client.patch(
    kustomizations,
    { namespace: bed.namespace, name: 'requested' },
    { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': requestedAt } } },
    { type: 'merge' },
  );
  const object = await bed.when(
    (o) => o.status?.lastHandledReconcileAt === requestedAt,
    'requested',
  );
  expect(object.status?.conditions?.find((c) => c.type === 'Ready')?.status).toBe('False');
});

test('what the inventory of another Kustomization holds is not pruned after a restart either', async () => {
  const { client, namespace } = bed;
  const key = { namespace, name: 'shared' };
  const label = 'kustomize.toolkit.fluxcd.io/name';
  const shared = { 'shared.yaml': configMap('shared', { k: 'v' }) };
  for (const name of ['holder', 'leaver']) {
    await bed.publish({ ...shared, 'own.yaml': configMap(`own-${name}`) }, 'r1', name);
    await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name } }, name);
    await bed.ready('r1', name);
  }
  // Suspended, it does nothing that the new process could remember.
  await bed.patch({ suspend: true }, 'holder');
  await bed.restart();
  const { metadata } = await client.get(configMaps, key);
  expect(metadata.labels?.[label]).toBe('leaver');

  await bed.publish({ 'own.yaml': configMap('own-leaver') }, 'r2', 'leaver');
  await bed.ready('r2', 'leaver');
  expect((await client.get(configMaps, key)).metadata.uid).toBe(metadata.uid);
  await bed.patch({ suspend: false }, 'holder');
  await until(client, configMaps, key, (o) => o.metadata.labels?.[label] === 'holder');
});
