import {
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
  ociRepositoryKind,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, configMaps, startBed } from './harness.ts';

const kustomizations = resourceOf(kustomizationKind);

let bed: Bed;
beforeAll(async () => {
  // No timer helps here.
  bed = await startBed();
  await bed.publish(chart());
});
afterAll(() => bed.stop());

const waits = async (name: string) => {
  const object = await bed.failed('DependencyNotReady', name);
  return conditionOf(object)?.message ?? '';
};

test('a release waits for another one, and comes as soon as that is there', async () => {
  await bed.apply({ dependsOn: [{ name: 'first' }] }, 'second');
  expect(await waits('second')).toBe(
    `dependency '${bed.namespace}/first' not found (spec.dependsOn[0]): create it`,
  );
  await bed.apply({ valuesFrom: [{ kind: 'ConfigMap', name: 'nowhere' }] }, 'first');
  await bed.failed('ValuesError', 'first');
  const shown = `dependency '${bed.namespace}/first' is not ready: it is not ready (ValuesError): `;
  const says = (text: string) =>
    bed.when((object) => conditionOf(object)?.message.includes(text) === true, 'second');
  expect(conditionOf(await says(shown))?.message).toContain('nowhere');
  await bed.patch({ valuesFrom: [] }, 'first');
  await bed.ready('1.0.0', 'first');
  await bed.ready('1.0.0', 'second');
});

test('readyExpr decides instead, from both objects', async () => {
  await bed.apply({ values: { text: 'no' } }, 'exact');
  await bed.ready('1.0.0', 'exact');
  const readyExpr = 'dep.spec.values.text == self.spec.values.text';
  await bed.apply(
    { values: { text: 'yes' }, dependsOn: [{ name: 'exact', readyExpr }] },
    'expecting',
  );
  expect(await waits('expecting')).toContain('is not ready according to readyExpr');
  await bed.patch({ values: { text: 'yes' } }, 'exact');
  await bed.ready('1.0.0', 'expecting');

  await bed.apply({ dependsOn: [{ name: 'exact', readyExpr: 'dep.' }] }, 'invalid');
  const object = await bed.failed('InvalidCELExpression', 'invalid');
  expect(conditionOf(object, 'Stalled')?.message).toContain('spec.dependsOn[0].readyExpr');
});

test('a Kustomization can be waited for as well', async () => {
  const { client, namespace } = bed;
  const key = { namespace, name: 'base' };
  await bed.apply({ dependsOn: [{ kind: 'Kustomization', name: 'base' }] }, 'above');
  expect(await waits('above')).toContain(`dependency 'Kustomization/${namespace}/base' not found`);
  const sourceRef = { kind: 'GitRepository', name: 'x' };
  const { metadata } = await client.create(kustomizations, {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: key,
    spec: { interval: '10m', prune: false, sourceRef },
  } as KubeObject);
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'ReconciliationSucceeded',
    message: 'Applied',
    lastTransitionTime: new Date().toISOString(),
    observedGeneration: metadata.generation,
  };
  const status = { observedGeneration: metadata.generation, conditions: [ready] };
  await client.patch(kustomizations, key, { status }, { type: 'merge', subresource: 'status' });
  await bed.ready('1.0.0', 'above');
});

test('an object of any kind can be waited for, until it is there or ready', async () => {
  const { client, namespace } = bed;
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' };
  await bed.apply({ dependsOn: [{ ...settings, readyExpr: "dep.data.done == 'yes'" }] }, 'config');
  expect(await waits('config')).toBe(
    `dependency 'ConfigMap/${namespace}/settings' not found (spec.dependsOn[0]): create it`,
  );
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'settings' } };
  await client.create(configMaps, { ...object, data: { done: 'no' } } as KubeObject);
  await bed.failed('DependencyNotReady', 'config', /is not ready according to readyExpr/);
  const key = { namespace, name: 'settings' };
  await client.patch(configMaps, key, { data: { done: 'yes' } }, { type: 'merge' });
  await bed.ready('1.0.0', 'config');
});

test('a cycle is named', async () => {
  await bed.apply({ dependsOn: [{ name: 'egg' }] }, 'hen');
  await bed.apply({ dependsOn: [{ name: 'hen' }] }, 'egg');
  const { namespace } = bed;
  expect(await waits('egg')).toContain(
    `the dependencies form a cycle: ${namespace}/egg → ${namespace}/hen → ${namespace}/egg`,
  );
});

test('a source that failed on its latest change passes on its own reason', async () => {
  const { client, namespace } = bed;
  const repositories = resourceOf(ociRepositoryKind as KindDefinition);
  const key = { namespace, name: 'charts' };
  const { metadata } = await client.create(repositories, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: key,
    spec: { interval: '1m', url: 'oci://registry.example.com/charts', ref: { tag: '1' } },
  } as KubeObject);
  await bed.apply({ chart: undefined, chartRef: { kind: 'OCIRepository', name: 'charts' } }, 'oci');
  const message = 'manifest not found';
  const lastTransitionTime = new Date().toISOString();
  const condition = { type: 'Ready', status: 'False', reason: 'X', message, lastTransitionTime };
  const status = { observedGeneration: (metadata.generation ?? 1) - 1, conditions: [condition] };
  await client.patch(repositories, key, { status }, { type: 'merge', subresource: 'status' });
  const object = await bed.when(
    (one) => conditionOf(one)?.message.endsWith(message) === true,
    'oci',
  );
  expect(conditionOf(object)?.reason).toBe('SourceNotReady');
  expect(conditionOf(object)?.message).toBe(
    `OCIRepository/${namespace}/charts is not ready: ${message}`,
  );
});
