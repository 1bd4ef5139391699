import type { KubeObject, Kustomization, KustomizationSpec } from '@sluice/shared/api';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployment,
  kustomizations,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(async () => {
  await bed.stop();
});

const { namespaces, customResourceDefinitions: crds } = coreResources;
const namespaceManifest = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** Needs no spec.targetNamespace. */
function kept(name: string, data: Record<string, string> = {}): string {
  const object = JSON.parse(configMap(`${name}-kept`, data));
  const metadata = { ...object.metadata, namespace: bed.namespace };
  return JSON.stringify({ ...object, metadata });
}

async function settled(
  name: string,
  files: Record<string, string>,
  spec: Partial<KustomizationSpec> = {},
): Promise<Kustomization> {
  await bed.publish({ 'kept.yaml': kept(name), ...files }, 'r1', name);
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name }, ...spec }, name);
  return bed.ready('r1', name);
}

async function removed(name: string, revision = 'r2'): Promise<Kustomization> {
  await bed.publish({ 'kept.yaml': kept(name, { revision }) }, revision, name);
  return bed.ready(revision, name);
}

const allow = (name: string, names: string) =>
  bed.client.patch(
    kustomizations,
    { namespace: bed.namespace, name },
    { metadata: { annotations: { 'prune.sluice.dev/allow': names } } },
    { type: 'merge' },
  );

async function isDeleted(name: string): Promise<boolean> {
  try {
    const { metadata } = await bed.client.get<KubeObject>(namespaces, { name });
    return metadata.deletionTimestamp !== undefined;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

const idsOf = (object: Kustomization) => object.status?.inventory?.entries.map(({ id }) => id);

test('the definition of a kind of the controllers leaves Git and stays, until an annotation names it', async () => {
  const group = `${bed.namespace}.toolkit.fluxcd.io`;
  const name = `tools.${group}`;
  const schema = { openAPIV3Schema: { type: 'object' } };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Tool', plural: 'tools', singular: 'tool', listKind: 'ToolList' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  await settled('crd', { 'crd.yaml': JSON.stringify(crd) });
  const object = await removed('crd');
  await bed.client.get(crds, { name });
  const why = `CustomResourceDefinition/${name} stays: `;
  expect(conditionOf(object)?.message).toContain(`Applied revision: r2\nNot pruned:\n${why}`);
  expect(idsOf(object)).toContain(`_${name}_apiextensions.k8s.io_CustomResourceDefinition`);
  const event = await bed.event((e) => e.reason === 'PruneRefused' && e.message.includes(name));
  expect(event.severity).toBe('error');

  await allow('crd', `CustomResourceDefinition/${name}`);
  const last = await removed('crd', 'r3');
  expect(conditionOf(last)?.message).toBe('Applied revision: r3');
  expect(idsOf(last)).toEqual([`${bed.namespace}_crd-kept__ConfigMap`]);
});

test('a Namespace that was there before is not pruned, nor with its Kustomization', async () => {
  const before = `${bed.namespace}-before`;
  await bed.client.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: before },
  });
  const files = { 'ns.yaml': namespaceManifest(before) };
  const first = await settled('before', files, { targetNamespace: undefined });
  expect(first.status?.inventory?.entries).toContainEqual({
    id: `_${before}__Namespace`,
    v: 'v1',
    adopted: true,
  });
  await bed.restart();
  const object = await removed('before');
  expect(conditionOf(object)?.message).toContain(`Namespace/${before} stays: it was there before`);
  expect(await isDeleted(before)).toBe(false);

  await allow('before', `Namespace/${before}`);
  await removed('before', 'r3');
  expect(await isDeleted(before)).toBe(true);
});

test('an object that asks for it is pruned only once it is confirmed', async () => {
  const config = JSON.parse(configMap('precious'));
  const annotations = { 'prune.sluice.dev/confirm': 'required' };
  const metadata = { ...config.metadata, annotations };
  await settled('confirm', { 'a.yaml': JSON.stringify({ ...config, metadata }) });
  const key = { namespace: bed.namespace, name: 'precious' };
  const name = `ConfigMap/${bed.namespace}/precious`;
  const object = await removed('confirm');
  await bed.client.get(configMaps, key);
  expect(conditionOf(object)?.message).toContain(`Not pruned:\n${name} stays: its annotation`);

  await allow('confirm', name);
  await removed('confirm', 'r3');
  await expect(bed.client.get(configMaps, key)).rejects.toMatchObject({ status: 404 });
});

test('a Namespace that the Kustomization has made is pruned', async () => {
  const made = `${bed.namespace}-made`;
  const files = { 'ns.yaml': namespaceManifest(made) };
  await settled('made', files, { targetNamespace: undefined });
  const object = await removed('made');
  expect(conditionOf(object)?.message).toBe('Applied revision: r2');
  expect(await isDeleted(made)).toBe(true);
});

test('spec.targetNamespace makes no Namespace into one that others have made', async () => {
  const extra = `${bed.namespace}-extra`;
  const object = await settled('extra', { 'ns.yaml': namespaceManifest(extra) });
  expect(idsOf(object)).toContain(`_${extra}__Namespace`);
  const own = await bed.client.get(namespaces, { name: bed.namespace });
  expect(own.metadata.labels).not.toHaveProperty('kustomize.toolkit.fluxcd.io/name');
  await removed('extra');
  expect(await isDeleted(extra)).toBe(true);
  expect(await isDeleted(bed.namespace)).toBe(false);
});

test('spec.targetNamespace renames the Namespace that it is to make, which is then not pruned', async () => {
  const target = `${bed.namespace}-target`;
  const files = { 'ns.yaml': namespaceManifest('any-name') };
  const object = await settled('target', files, { targetNamespace: target });
  expect(idsOf(object)).toContain(`_${target}__Namespace`);
  expect(object.status?.inventory?.entries.some(({ adopted }) => adopted)).toBe(false);
  await bed.publish({ ...files, 'more.yaml': configMap('more') }, 'r2', 'target');
  expect(idsOf(await bed.ready('r2', 'target'))).toContain(`_${target}__Namespace`);
  const last = await removed('target', 'r3');
  expect(conditionOf(last)?.message).toContain(`Namespace/${target} stays: `);
  expect(await isDeleted(target)).toBe(false);
});

test('the namespace of the Kustomization outlives it', async () => {
  await settled(
    'own',
    { 'ns.yaml': namespaceManifest(bed.namespace) },
    { targetNamespace: undefined },
  );
  await bed.client.delete(kustomizations, { namespace: bed.namespace, name: 'own' });
  await bed.event((e) => e.reason === 'PruneRefused' && e.involvedObject.name === 'own');
  expect(await isDeleted(bed.namespace)).toBe(false);
});

test('force does not delete what is protected', async () => {
  const group = `forced-${bed.namespace}.toolkit.fluxcd.io`;
  const name = `tools.${group}`;
  const crd = (scope: string) =>
    JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      spec: {
        group,
        scope,
        names: { kind: 'Tool', plural: 'tools', singular: 'tool', listKind: 'ToolList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object' } },
          },
        ],
      },
    });
  await settled('forced', { 'crd.yaml': crd('Namespaced') }, { force: true });
  const { metadata } = await bed.client.get(crds, { name });
  await bed.publish({ 'crd.yaml': crd('Cluster') }, 'r2', 'forced');
  await bed.failed('ReconciliationFailed', 'forced');
  expect((await bed.client.get(crds, { name })).metadata.uid).toBe(metadata.uid);
});

test('controllers of Flux in the source are warned of', async () => {
  const spec = JSON.parse(deployment('kustomize-controller'));
  spec.spec.template.spec.containers[0].image = 'ghcr.io/fluxcd/kustomize-controller:v1.7.0';
  await settled('flux', { 'd.yaml': JSON.stringify(spec) });
  const event = await bed.event((e) => e.reason === 'FluxControllers');
  expect(event.message).toContain(`Deployment/${bed.namespace}/kustomize-controller runs`);
  await bed.client.get(configMaps, { namespace: bed.namespace, name: 'flux-kept' });
});
