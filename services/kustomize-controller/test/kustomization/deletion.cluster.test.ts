import type { KubeObject, KustomizationSpec } from '@sluice/shared/api';
import { type ApiResource, coreResources } from '@sluice/shared/kube';
import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, configMaps, kustomizations, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const rbac = (kind: string, plural: string): ApiResource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});

async function applied(name: string, spec: Partial<KustomizationSpec>, metadata: object = {}) {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata } };
  await bed.publish({ 'a.yaml': JSON.stringify(object) }, 'r1', name);
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name }, ...spec }, name);
  await bed.ready('r1', name);
}

async function remove(name: string) {
  const { client, namespace } = bed;
  await client.delete(kustomizations, { namespace, name });
  await untilGone(client, kustomizations, { namespace, name });
}

const live = (name: string) =>
  bed.client.get<KubeObject>(configMaps, { namespace: bed.namespace, name });

test.each<{ name: string; spec: Partial<KustomizationSpec>; gone: boolean; metadata?: object }>([
  { name: 'prune', spec: {}, gone: true },
  { name: 'no-prune', spec: { prune: false }, gone: false },
  { name: 'delete', spec: { prune: false, deletionPolicy: 'Delete' }, gone: true },
  { name: 'orphan', spec: { deletionPolicy: 'Orphan' }, gone: false },
  { name: 'terminate', spec: { deletionPolicy: 'WaitForTermination' }, gone: true },
  {
    name: 'kept',
    spec: {},
    gone: false,
    metadata: { annotations: { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' } },
  },
])('deletion policy: $name', async ({ name, spec, gone, metadata }) => {
  await applied(name, spec, metadata);
  await remove(name);
  if (gone) await expect(live(name)).rejects.toMatchObject({ status: 404 });
  else await live(name);
});

test('a suspended Kustomization leaves its objects behind', async () => {
  await applied('suspended', {});
  await bed.patch({ suspend: true }, 'suspended');
  await remove('suspended');
  await live('suspended');
});

test('an object that passed to another owner is not deleted', async () => {
  // Another reconcile may still follow the one that was awaited: it must leave the object as it is.
  const annotations = { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' };
  await applied('given-away', { driftDetection: { mode: 'disabled' } }, { annotations });
  await bed.client.patch(
    configMaps,
    { namespace: bed.namespace, name: 'given-away' },
    { metadata: { labels: { 'kustomize.toolkit.fluxcd.io/name': 'another' } } },
    { type: 'merge', fieldManager: 'someone' },
  );
  await remove('given-away');
  await live('given-away');
});

test('impersonation is kept to, and deletion ends when the account is gone', async () => {
  const { client, namespace } = bed;
  const meta = (name: string) => ({ name, namespace });
  await client.create(coreResources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: meta('tenant'),
  });
  const name = 'tenant';
  await bed.publish({ 'a.yaml': configMap('tenant') }, 'r1', name);
  await bed.apply(
    {
      sourceRef: { kind: 'ExternalArtifact', name },
      serviceAccountName: 'tenant',
      retryInterval: '1s',
    },
    name,
  );
  const refused = await bed.failed('ReconciliationFailed', name);
  expect(refused.status?.conditions?.find((c) => c.type === 'Ready')?.message).toMatch(
    /forbidden/i,
  );
  await client.create(rbac('Role', 'roles'), {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: meta('tenant'),
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }],
  } as never);
  await client.create(rbac('RoleBinding', 'rolebindings'), {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: meta('tenant'),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace }],
  } as never);
  await bed.ready('r1', name);
  await client.delete(coreResources.serviceAccounts, meta('tenant'));
  await remove(name);
  await live('tenant');
  const event = await bed.event(
    (e) => e.involvedObject.name === name && e.reason === 'PruneFailed',
  );
  expect(event.message).toContain(
    `the ServiceAccount 'tenant' is gone:\nConfigMap/${namespace}/tenant`,
  );
});
