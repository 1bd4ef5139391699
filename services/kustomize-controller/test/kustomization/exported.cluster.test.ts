import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  deployment,
  deployments,
  kustomizations,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const clusterRoles: ApiResource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
};

const exportedMetadata = {
  uid: '0a0a0a0a-0000-0000-0000-000000000000',
  resourceVersion: '12',
  creationTimestamp: '2024-01-01T00:00:00Z',
  generation: 3,
  managedFields: [],
  selfLink: '/api/v1/x',
};

async function applied(name: string, objects: object[]): Promise<void> {
  const files = objects.map((object, index) => [`${index}.yaml`, JSON.stringify(object)]);
  await bed.publish(Object.fromEntries(files), 'r1', name);
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name } }, name);
  await bed.ready('r1', name);
}

test('exported objects are applied without status and what the server sets', async () => {
  const web = JSON.parse(deployment('exported'));
  await applied('exported', [
    {
      ...web,
      metadata: { ...web.metadata, ...exportedMetadata },
      status: { replicas: 'many', newFieldOfALaterVersion: 2 },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'exported', ...exportedMetadata },
      spec: { ports: [{ port: 80 }], selector: { a: 'b' } },
      status: { loadBalancer: {} },
    },
  ]);
  const key = { namespace: bed.namespace, name: 'exported' };
  const { metadata } = await bed.client.get(deployments, key);
  expect(metadata.uid).not.toBe(exportedMetadata.uid);
});

test('custom resources lose their status, definitions keep theirs', async () => {
  const group = `${bed.namespace}.example.com`;
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: any, status: any } } };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `tasks.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Task', plural: 'tasks', singular: 'task', listKind: 'TaskList' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
    status: { acceptedNames: { kind: '', plural: '' }, conditions: [], storedVersions: [] },
  };
  const task = {
    apiVersion: `${group}/v1`,
    kind: 'Task',
    metadata: { name: 't' },
    spec: { n: 1 },
    status: { phase: 'New' },
  };
  await applied('tasks', [crd, task]);
  const resource = { group, version: 'v1', kind: 'Task', plural: 'tasks', namespaced: true };
  const live = await bed.client.get<KubeObject>(resource, { namespace: bed.namespace, name: 't' });
  expect(live).toMatchObject({ spec: { n: 1 } });
  expect(live).not.toHaveProperty('status');
});

test('unknown fields of kinds of Kubernetes are left out, and are no drift', async () => {
  const web = JSON.parse(deployment('unknown'));
  web.spec.bogus = true;
  web.spec.template.metadata.creationTimestamp = null;
  web.spec.template.spec.containers[0].nope = 1;
  await applied('unknown', [web, JSON.parse(configMap('beside', { k: 'v' }))]);
  const key = { namespace: bed.namespace, name: 'unknown' };
  const byHand = { type: 'merge' } as const;
  await bed.client.patch(deployments, key, { spec: { replicas: 3 } }, byHand);
  await until<KubeObject & { spec: { replicas: number } }>(
    bed.client,
    deployments,
    key,
    (o) => o.spec.replicas === 0,
  );
  const event = await bed.event(
    (e) => e.involvedObject.name === 'unknown' && e.reason === 'DriftCorrected',
  );
  expect(event.message).toBe(
    `Deployment/${bed.namespace}/unknown drifted: .spec.replicas changed; corrected`,
  );
});

test('an aggregated ClusterRole is not written to when nothing has changed', async () => {
  const name = `${bed.namespace}-aggregated`;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
  await bed.client.create(clusterRoles, {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: `${name}-part`, labels: { [name]: 'true' } },
    rules,
  } as KubeObject);
  const role = {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [name]: 'true' } }] },
    rules: [],
  };
  await applied('aggregated', [role]);
  // The cluster fills it in.
  const filled = await until<KubeObject & { rules?: object[] | null }>(
    bed.client,
    clusterRoles,
    { name },
    (o) => o.rules?.length === 1,
  );
  const files = { '0.yaml': JSON.stringify(role), 'more.yaml': configMap('more') };
  await bed.publish(files, 'r2', 'aggregated');
  await bed.ready('r2', 'aggregated');
  const live = await bed.client.get<KubeObject>(clusterRoles, { name });
  expect(live.metadata.resourceVersion).toBe(filled.metadata.resourceVersion);
  expect(live).toMatchObject({ rules });
});

test('a custom resource is applied as soon as its definition arrives', async () => {
  const group = `late.${bed.namespace}.example.com`;
  const late = (version: string) =>
    JSON.stringify({ apiVersion: `${group}/${version}`, kind: 'Late', metadata: { name: 'late' } });
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'late' };
  await bed.publish({ 'late.yaml': late('v1') }, 'r1', 'late');
  await bed.apply({ sourceRef, retryInterval: '1h' }, 'late');
  const failed = await bed.failed('ReconciliationFailed', 'late');
  expect(conditionOf(failed)?.message).toContain(
    `Late/${bed.namespace}/late: the cluster serves no kind Late in ${group}/v1: install its CRD`,
  );
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await bed.client.create(
    {
      group: 'apiextensions.k8s.io',
      version: 'v1',
      kind: 'CustomResourceDefinition',
      plural: 'customresourcedefinitions',
      namespaced: false,
    },
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `lates.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: 'Late', plural: 'lates', singular: 'late', listKind: 'LateList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: any } }],
      },
    } as KubeObject,
  );
  // The retry is an hour away.
  await bed.ready('r1', 'late');

  await bed.publish({ 'late.yaml': late('v2') }, 'r2', 'late');
  const wrong = await bed.when(
    (o) => conditionOf(o)?.status === 'False' && o.status?.lastAttemptedRevision === 'r2',
    'late',
  );
  expect(conditionOf(wrong)?.message).toContain(
    `it has the kind in ${group}/v1; correct apiVersion`,
  );
});

test('kinds that nothing here reconciles are told as such', async () => {
  const policy = {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImagePolicy',
    metadata: { name: 'x' },
  };
  await bed.publish({ 'x.yaml': JSON.stringify(policy) }, 'r1', 'foreign');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'foreign' } }, 'foreign');
  const failed = await bed.failed('ReconciliationFailed', 'foreign');
  expect(conditionOf(failed)?.message).toContain('none of Sluice reconciles this kind');
  await bed.client.delete(kustomizations, { namespace: bed.namespace, name: 'foreign' });
});
