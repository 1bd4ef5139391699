import { helmReleaseKind, type KubeObject, type KustomizationSpec } from '@sluice/shared/api';
import { type ApiResource, coreResources, resourceOf } from '@sluice/shared/kube';
import { counterKind, createNamespace, tenantAccount, testNamespace } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployment,
  deployments,
  startBed,
} from './harness.ts';

const { customResourceDefinitions } = coreResources;
const byHand = { type: 'merge', fieldManager: 'somebody' } as const;

let bed: Bed;
beforeAll(async () => {
  // No timer helps here.
  bed = await startBed();
  await bed.publish({ 'a.yaml': configMap('a') }, 'r1');
});
afterAll(() => bed.stop());

type References = NonNullable<KustomizationSpec['dependsOn']>;

/** Applies a Kustomization that has to wait; returns what its condition says. */
async function waits(name: string, dependsOn: References, spec: Partial<KustomizationSpec> = {}) {
  await bed.apply({ ...spec, dependsOn }, name);
  return conditionOf(await bed.failed('DependencyNotReady', name))?.message;
}

const says = (name: string, text: string) =>
  bed.when((object) => conditionOf(object)?.message.includes(text) === true, name);

/** Creates an object of a manifest. */
const create = (resource: ApiResource, manifest: string, namespace = bed.namespace) => {
  const object = JSON.parse(manifest) as KubeObject;
  return bed.client.create(resource, {
    ...object,
    metadata: { ...object.metadata, ...(resource.namespaced && { namespace }) },
  });
};

const config = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name });

test('an object of another kind has to be there, and need not be ready', async () => {
  const { namespace } = bed;
  const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'there' };
  expect(await waits('exists', [web])).toBe(
    `dependency 'Deployment/${namespace}/there' not found (spec.dependsOn[0]): create it`,
  );
  await create(deployments, deployment('there', 1));
  await bed.ready('r1', 'exists');
});

test('with ready, a Deployment has to be rolled out', async () => {
  const { client, namespace } = bed;
  const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', ready: true };
  // No node takes its Pod.
  const containers = [{ name: 'main', image: 'example/web:1' }];
  const spec = { nodeSelector: { no: 'where' }, containers };
  const template = { metadata: { labels: { app: 'web' } }, spec };
  await create(deployments, deployment('web', 1, { template }));
  expect(await waits('rollout', [web])).toContain(
    `dependency 'Deployment/${namespace}/web' is not ready: it is InProgress`,
  );
  await client.patch(deployments, { namespace, name: 'web' }, { spec: { replicas: 0 } }, byHand);
  await bed.ready('r1', 'rollout');
});

test('readyExpr looks into an object of any kind', async () => {
  const readyExpr = "dep.data.stage == 'done'";
  await create(configMaps, configMap('stages', { stage: 'begun' }));
  expect(await waits('expr', [{ ...config('stages'), readyExpr }])).toBe(
    `dependency 'ConfigMap/${bed.namespace}/stages' is not ready according to readyExpr`,
  );
  const key = { namespace: bed.namespace, name: 'stages' };
  await bed.client.patch(configMaps, key, { data: { stage: 'done' } }, byHand);
  await bed.ready('r1', 'expr');
});

test('an object that is deleted while it is waited for is missed', async () => {
  await create(configMaps, configMap('vanishing'));
  await waits('vanishing', [{ ...config('vanishing'), readyExpr: 'false' }]);
  await bed.client.delete(configMaps, { namespace: bed.namespace, name: 'vanishing' });
  await says('vanishing', 'not found (spec.dependsOn[0])');
});

test('ready: false asks of a Kustomization only that it is there', async () => {
  await bed.publish({ 'a.yaml': '}' }, 'b1', 'broken');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'broken' } }, 'broken');
  await bed.failed('BuildFailed', 'broken');
  await bed.apply({ dependsOn: [{ name: 'broken', ready: false }] }, 'undemanding');
  await bed.ready('r1', 'undemanding');
});

test('a kind that is not served is waited for, then its object, by spec.healthCheckExprs', async () => {
  const { client, namespace } = bed;
  const { apiVersion, definition, resource } = counterKind(`any.${namespace}`);
  const one = { apiVersion, kind: 'Counter', name: 'one', ready: true };
  const healthCheckExprs = [{ apiVersion, kind: 'Counter', current: 'spec.count == 2' }];
  const counter = (count: number) =>
    JSON.stringify({ apiVersion, kind: 'Counter', metadata: { name: 'one' }, spec: { count } });
  const message = await waits('counter', [one], { healthCheckExprs });
  expect(message).toContain(`dependency 'Counter/${namespace}/one' cannot be found`);
  expect(message).toContain(`the cluster serves no kind Counter in ${apiVersion}: install its CRD`);
  await create(customResourceDefinitions, definition);
  await says('counter', 'not found (spec.dependsOn[0]): create it');
  await create(resource, counter(1));
  await says('counter', 'no expression of spec.healthCheckExprs holds');
  await client.patch(resource, { namespace, name: 'one' }, { spec: { count: 2 } }, byHand);
  await bed.ready('r1', 'counter');
});

test('an object without a namespace needs none', async () => {
  const { namespace } = bed;
  const itself = { apiVersion: 'v1', kind: 'Namespace', name: namespace, ready: true };
  const other = { ...itself, name: `${namespace}-other` };
  expect(await waits('cluster-wide', [itself, other])).toBe(
    `dependency 'Namespace/${other.name}' not found (spec.dependsOn[1]): create it`,
  );
  await createNamespace(bed.client, other.name);
  await bed.ready('r1', 'cluster-wide');
});

test('what the account may not read tells nothing, whether it is there or not', async () => {
  const { client, namespace } = bed;
  await tenantAccount(client, { namespace, name: 'tenant' });
  const theirs = await testNamespace(client, 'theirs');
  await create(configMaps, configMap('secret', { key: 'value' }), theirs);
  const reference = { ...config('secret'), namespace: theirs };
  const tenant = { serviceAccountName: 'tenant' };
  const there = await waits('foreign', [{ ...reference, readyExpr: 'true' }], tenant);
  const missing = { ...reference, name: 'absent' };
  const absent = await waits('foreign-absent', [{ ...missing, readyExpr: 'true' }], tenant);
  expect(there).toMatch(/cannot be read \(spec\.dependsOn\[0\]\): .*forbidden/);
  expect(absent?.replaceAll('absent', 'secret')).toBe(there);
  await bed.apply({ ...tenant, dependsOn: [config('own')] }, 'own');
  await bed.failed('DependencyNotReady', 'own');
  await create(configMaps, configMap('own'));
  await bed.ready('r1', 'own');
});

const nonsense: { name: string; reference: References[number]; says: RegExp }[] = [
  { name: 'no-version', reference: { kind: 'Pod', name: 'x' }, says: /apiVersion is missing/ },
  {
    name: 'no-kind',
    reference: { apiVersion: 'v1', kind: 'Deployment/scale', name: 'x' },
    says: /kind 'Deployment\/scale' is no name of a kind/,
  },
  {
    name: 'no-name',
    reference: { ...config('a/b'), ready: true },
    says: /spec\.dependsOn\[0\] names no object: .*'a\/b'/,
  },
];

test.for(nonsense)('what can be no object stalls: $name', async ({ name, reference, says }) => {
  await bed.apply({ dependsOn: [reference] }, name);
  const object = await bed.failed('InvalidSpec', name, says);
  expect(conditionOf(object, 'Stalled')?.status).toBe('True');
});

test('a cycle through both kinds is named', async () => {
  const { client, namespace } = bed;
  const { group, version, kind } = helmReleaseKind;
  await client.create(resourceOf(helmReleaseKind), {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { namespace, name: 'chart' },
    spec: {
      interval: '10m',
      suspend: true,
      chartRef: { kind: 'OCIRepository', name: 'x' },
      dependsOn: [{ kind: 'Kustomization', name: 'round' }],
    },
  } as KubeObject);
  await bed.apply({ dependsOn: [{ kind: 'HelmRelease', name: 'chart' }] }, 'round');
  const path = `${namespace}/round → HelmRelease/${namespace}/chart → ${namespace}/round`;
  await says('round', `the dependencies form a cycle: ${path}`);
});

test('a waiting Kustomization that is suspended goes on when it is resumed', async () => {
  await waits('paused', [config('late')]);
  await bed.patch({ suspend: true }, 'paused');
  await create(configMaps, configMap('late'));
  await bed.patch({ suspend: false }, 'paused');
  await bed.ready('r1', 'paused');
});
