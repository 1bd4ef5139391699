import {
  finalizer,
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  type KustomizationSpec,
  kustomizationKind,
} from '@sluice/shared/api';
import { type ApiResource, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  kustomizations,
  startBed,
} from './harness.ts';

const helmReleases = resourceOf(helmReleaseKind);

let bed: Bed;
/** Lists of HelmReleases that the controller has asked for. */
let lists = 0;
beforeAll(async () => {
  const wrap = (client: KubeClient) =>
    new Proxy(client, {
      get(target, property) {
        const value = Reflect.get(target, property, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const [resource] = args as [ApiResource | undefined];
          if (property === 'list' && resource?.kind === helmReleaseKind.kind) lists++;
          return value.apply(target, args) as unknown;
        };
      },
    });
  bed = await startBed([], { wrap });
});
afterAll(() => bed.stop());

const keyOf = (name: string) => ({ namespace: bed.namespace, name });
const remove = (name: string) => bed.client.delete(kustomizations, keyOf(name));
const gone = (name: string) => untilGone(bed.client, kustomizations, keyOf(name));

async function applied(name: string, spec: Partial<KustomizationSpec> = {}, metadata: object = {}) {
  const object = JSON.parse(configMap(name));
  const manifest = { ...object, metadata: { ...object.metadata, ...metadata } };
  await bed.publish({ 'a.yaml': JSON.stringify(manifest) }, 'r1', name);
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name }, ...spec }, name);
  await bed.ready('r1', name);
}

/** Holds an object until it is let go. */
const held = { finalizers: ['test.sluice.dev/held'] };
const letGo = (name: string) =>
  bed.client.patch(configMaps, keyOf(name), { metadata: { finalizers: null } }, { type: 'merge' });

const waits = (name: string, for_: string) =>
  bed.when((object) => {
    const ready = conditionOf(object);
    return ready?.reason === 'DependantsRemain' && ready.message.includes(for_);
  }, name);

test('what is deleted together goes in the reverse order, with all that it has made', async () => {
  await applied('operator');
  // Without the policy it would wait because the operator is deleted within seconds, which a busy machine may not do.
  const deletionPolicy = 'WaitForTermination';
  const dependsOn = [{ name: 'operator' }];
  await applied('usage', { dependsOn, deletionPolicy, timeout: '10m' }, held);
  await remove('usage');
  await until(bed.client, configMaps, keyOf('usage'), (o) => Boolean(o.metadata.deletionTimestamp));
  await remove('operator');
  await waits('operator', `Kustomization/${bed.namespace}/usage`);
  // It is still held, so that nothing of what it needs has gone.
  const operator = await bed.client.get<KubeObject>(configMaps, keyOf('operator'));
  expect(operator.metadata.deletionTimestamp).toBeUndefined();
  await letGo('usage');
  await gone('usage');
  await gone('operator');
  await expect(bed.client.get(configMaps, keyOf('operator'))).rejects.toMatchObject({
    status: 404,
  });
});

/** The manifest of an object of a kind, which the controller of this test looks at. */
function manifest({ group, version, kind }: KindDefinition, name: string, spec: object): string {
  const labels = { 'test.sluice.dev/shard': bed.namespace };
  const apiVersion = `${group}/${version}`;
  return JSON.stringify({ apiVersion, kind, metadata: { name, labels }, spec });
}

test('children of both kinds that their parent has no longer go in the reverse order', async () => {
  const { client, namespace } = bed;
  const child = (name: string, more: object) =>
    manifest(kustomizationKind, name, {
      interval: '10m',
      prune: true,
      targetNamespace: namespace,
      sourceRef: { kind: 'ExternalArtifact', name },
      ...more,
    });
  const held = JSON.parse(configMap('pruned-usage'));
  held.metadata.finalizers = ['test.sluice.dev/held'];
  await bed.publish({ 'a.yaml': configMap('pruned-operator') }, 'r1', 'pruned-operator');
  await bed.publish({ 'a.yaml': JSON.stringify(held) }, 'r1', 'pruned-usage');
  const chart = {
    interval: '10m',
    chartRef: { kind: 'OCIRepository', name: 'x' },
    dependsOn: [{ kind: 'Kustomization', name: 'pruned-operator' }],
  };
  await bed.publish(
    {
      'operator.yaml': child('pruned-operator', {}),
      'usage.yaml': child('pruned-usage', { dependsOn: [{ name: 'pruned-operator' }] }),
      'chart.yaml': manifest(helmReleaseKind, 'pruned-chart', chart),
      'stays.yaml': configMap('stays-in-parent'),
    },
    'r1',
    'parent',
  );
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'parent' } }, 'parent');
  await Promise.all(
    ['parent', 'pruned-operator', 'pruned-usage'].map((one) => bed.ready('r1', one)),
  );
  // As helm-controller would.
  const finalizers = (list: string[] | null) =>
    client.patch(
      helmReleases,
      keyOf('pruned-chart'),
      { metadata: { finalizers: list } },
      { type: 'merge' },
    );
  await finalizers([finalizer]);
  await bed.publish({ 'stays.yaml': configMap('stays-in-parent') }, 'r2', 'parent');
  await bed.ready('r2', 'parent');
  await waits('pruned-operator', `Kustomization/${namespace}/pruned-usage`);
  await waits('pruned-operator', `HelmRelease/${namespace}/pruned-chart`);
  const isLeaving = (o: KubeObject) => Boolean(o.metadata.deletionTimestamp);
  await until(client, configMaps, keyOf('pruned-usage'), isLeaving);
  await letGo('pruned-usage');
  await gone('pruned-usage');
  await waits('pruned-operator', `: HelmRelease/${namespace}/pruned-chart;`);
  const operator = await client.get<KubeObject>(configMaps, keyOf('pruned-operator'));
  expect(operator.metadata.deletionTimestamp).toBeUndefined();
  await finalizers(null);
  await gone('pruned-operator');
  await untilGone(client, configMaps, keyOf('pruned-operator'));
});

test('many deletions at once share lists of the other kind', async () => {
  const names = Array.from({ length: 100 }, (_, at) => `many-${at}`);
  await bed.publish({ 'a.yaml': configMap('of-many') }, 'r1', 'many');
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'many' };
  await Promise.all(names.map((name) => bed.apply({ sourceRef, namePrefix: `${name}-` }, name)));
  await Promise.all(names.map((name) => bed.ready('r1', name)));
  lists = 0;
  await Promise.all(names.map(remove));
  await Promise.all(names.map(gone));
  expect(lists).toBeGreaterThan(0);
  expect(lists).toBeLessThan(names.length / 4);
}, 240_000);

test('a HelmRelease without a spec keeps nothing from being deleted', async () => {
  const { group, version, kind } = helmReleaseKind;
  const metadata = { namespace: bed.namespace, name: 'bare' };
  await bed.client.create(helmReleases, { apiVersion: `${group}/${version}`, kind, metadata });
  await applied('beside');
  await remove('beside');
  await gone('beside');
  await bed.client.delete(helmReleases, metadata);
});

test('dependants that stay are not waited for', async () => {
  await applied('left');
  await applied('stays', { dependsOn: [{ name: 'left' }] });
  await remove('left');
  await gone('left');
  await bed.client.get(configMaps, keyOf('stays'));
});

test('an annotation ends the wait for what nobody deletes', async () => {
  const { client, namespace } = bed;
  const { group, version, kind } = helmReleaseKind;
  await applied('base');
  await client.create(helmReleases, {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { ...keyOf('chart'), finalizers: [finalizer] },
    spec: {
      interval: '10m',
      chartRef: { kind: 'OCIRepository', name: 'x' },
      dependsOn: [{ kind: 'Kustomization', name: 'base' }],
    },
  } as KubeObject);
  await client.delete(helmReleases, keyOf('chart'));
  await remove('base');
  const object = await waits('base', `HelmRelease/${namespace}/chart`);
  expect(conditionOf(object)?.message).toContain(
    'annotate it with prune.sluice.dev/order=disabled',
  );
  await bed.annotate({ 'prune.sluice.dev/order': 'disabled' }, 'base');
  await gone('base');
  await client.patch(
    helmReleases,
    keyOf('chart'),
    { metadata: { finalizers: null } },
    { type: 'merge' },
  );
});

test('a HelmRelease that has gone lets what it depends on go', async () => {
  const { client, namespace } = bed;
  const { group, version, kind } = helmReleaseKind;
  await applied('below');
  await client.create(helmReleases, {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { ...keyOf('above'), finalizers: [finalizer] },
    spec: {
      interval: '10m',
      chartRef: { kind: 'OCIRepository', name: 'x' },
      dependsOn: [{ kind: 'Kustomization', name: 'below' }],
    },
  } as KubeObject);
  await client.delete(helmReleases, keyOf('above'));
  await remove('below');
  await waits('below', `HelmRelease/${namespace}/above`);
  const free = { metadata: { finalizers: null } };
  await client.patch(helmReleases, keyOf('above'), free, { type: 'merge' });
  await gone('below');
});

test('in a cycle nobody waits', async () => {
  await applied('hen');
  await applied('egg', { dependsOn: [{ name: 'hen' }] });
  await bed.patch({ dependsOn: [{ name: 'egg' }] }, 'hen');
  await remove('hen');
  await remove('egg');
  await Promise.all([gone('hen'), gone('egg')]);
});

test('a suspended dependant leaves what it has made, and is not waited for longer', async () => {
  await applied('floor');
  await applied('paused', { dependsOn: [{ name: 'floor' }] });
  await bed.patch({ suspend: true }, 'paused');
  await remove('floor');
  await remove('paused');
  await Promise.all([gone('floor'), gone('paused')]);
  await bed.client.get(configMaps, keyOf('paused'));
});
