import { readFile } from 'node:fs/promises';
import {
  type HelmReleaseSpec,
  type KubeObject,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { type ApiResource, coreResources } from '@sluice/shared/kube';
import { testCluster, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  chart,
  conditionOf,
  configMaps,
  helmReleases,
  secrets,
  startBed,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const rbac = (kind: string, plural: string): ApiResource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});

const looking = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  found: {{ (lookup "v1" .Values.kind .Release.Namespace .Values.name).metadata.name | quote }}
`;

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
  await bed.publish(chart());
  await bed.publish(chart('1.0.0', { 'templates/config.yaml': looking }), '1.0.0', 'looking');
});
afterAll(() => bed.stop());

/** Makes a ServiceAccount that may do everything with some kinds of core objects in a namespace. */
async function account(name: string, kinds: string[], namespace = bed.namespace): Promise<void> {
  const metadata = { name, namespace };
  const { client } = bed;
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await client.create(coreResources.serviceAccounts, object);
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: [''], resources: kinds, verbs: ['*'] }];
  const role = { apiVersion, kind: 'Role', metadata, rules } as KubeObject;
  await client.create(rbac('Role', 'roles'), role);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const binding = { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects } as KubeObject;
  await client.create(rbac('RoleBinding', 'rolebindings'), binding);
}

const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const userOf = (name: string) => `system:serviceaccount:${bed.namespace}:${name}`;

test('a release is made with the rights of its account', async () => {
  await account('able', ['configmaps', 'secrets']);
  await bed.apply({ serviceAccountName: 'able', driftDetection: { mode: 'enabled' } }, 'able');
  await bed.ready('1.0.0', 'able');
  await bed.patch({ values: { text: 'new' } }, 'able');
  await bed.when((o) => o.status?.history?.[0]?.version === 2, 'able');
  await bed.client.delete(configMaps, keyOf('able'));
  await until(bed.client, configMaps, keyOf('able'), () => true);
  await bed.remove('able');
  await untilGone(bed.client, configMaps, keyOf('able'));
});

const refused = [
  { name: 'objects', kinds: ['secrets'], denied: 'configmaps' },
  { name: 'records', kinds: ['configmaps'], denied: 'secrets' },
  { name: 'nobody', kinds: undefined, denied: 'secrets' },
];

test.for(refused)('what the account may not do is said: $name', async ({ name, kinds, denied }) => {
  if (kinds !== undefined) await account(name, kinds);
  await bed.apply({ serviceAccountName: name }, name);
  const object = await bed.failed('InstallFailed', name);
  const message = conditionOf(object)?.message;
  expect(message).toContain(`User "${userOf(name)}" cannot`);
  expect(message).toContain(`resource "${denied}"`);
  await expect(bed.client.get(configMaps, keyOf(name))).rejects.toMatchObject({ status: 404 });
});

test('templates see only what the account may read', async () => {
  await account('seer', ['configmaps', 'secrets']);
  const chartRef = { kind: 'ExternalArtifact', name: 'looking' } as const;
  await bed.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: keyOf('seen'),
  });
  const spec: Partial<HelmReleaseSpec> = { serviceAccountName: 'seer', chartRef };
  await bed.apply({ ...spec, values: { kind: 'ConfigMap', name: 'seen' } }, 'seeing');
  await bed.ready('1.0.0', 'seeing');
  const { data } = await bed.client.get<ConfigMap>(configMaps, keyOf('seeing'));
  expect(data).toEqual({ found: 'seen' });
  await bed.apply({ ...spec, values: { kind: 'ServiceAccount', name: 'seer' } }, 'blind');
  const object = await bed.failed('InstallFailed', 'blind');
  expect(conditionOf(object)?.message).toContain(`User "${userOf('seer')}" cannot get resource`);
});

test('a release whose account is gone is let go, and its objects stay', async () => {
  await account('leaving', ['configmaps', 'secrets']);
  await bed.apply({ serviceAccountName: 'leaving' }, 'left');
  await bed.ready('1.0.0', 'left');
  await bed.client.delete(coreResources.serviceAccounts, keyOf('leaving'));
  await bed.remove('left');
  const event = await bed.event(
    (e) => e.reason === 'UninstallFailed' && e.involvedObject.name === 'left',
  );
  expect(event.message).toBe(
    "unable to uninstall the release, because the ServiceAccount 'leaving' is gone; its objects stay",
  );
  await bed.client.get(configMaps, keyOf('left'));
});

test('a namespace with releases and their accounts can be deleted', async () => {
  const { client, namespace } = bed;
  const name = `${namespace}-going`;
  await client.create(coreResources.namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
  await account('tenant', ['configmaps', 'secrets'], name);
  const { metadata, spec } = await bed.apply({ suspend: true }, 'template');
  await client.create(helmReleases, {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'app', namespace: name, labels: metadata.labels },
    spec: {
      ...spec,
      suspend: false,
      serviceAccountName: 'tenant',
      chartRef: { kind: 'ExternalArtifact', name: 'source', namespace },
    },
  } as KubeObject);
  await until(client, configMaps, { namespace: name, name: 'app' }, () => true);
  await client.delete(coreResources.namespaces, { name });
  await untilGone(client, coreResources.namespaces, { name });
});

test('a kubeconfig leads to another cluster, where drift is watched as well', async () => {
  const { client, namespace } = bed;
  const { kubeconfigPath } = await testCluster();
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: keyOf('cluster'),
    stringData: { value: await readFile(kubeconfigPath, 'utf8') },
  } as KubeObject);
  const kubeConfig = { secretRef: { name: 'cluster' } };
  await bed.apply({ kubeConfig, driftDetection: { mode: 'enabled' } }, 'remote');
  await bed.ready('1.0.0', 'remote');
  const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await client.patch(configMaps, keyOf('remote'), { data: { text: 'live' } }, byHand);
  await until<ConfigMap>(
    client,
    configMaps,
    keyOf('remote'),
    (o) => o.data?.['text'] === 'default',
  );
  await bed.annotate({ [reconcileRequestAnnotation]: 'now' }, 'remote');
  await bed.when((o) => o.status?.lastHandledReconcileAt === 'now', 'remote');
  const object = await bed.ready('1.0.0', 'remote');
  expect(object.status?.history).toHaveLength(1);
  await client.delete(secrets, keyOf('cluster'));
  await bed.remove('remote');
  await bed.event((e) => e.message.includes(`the kubeconfig Secret 'cluster' is gone`));
  await client.get(configMaps, { namespace, name: 'remote' });
});
