import { readFile } from 'node:fs/promises';
import { externalArtifactKind, helmReleaseKind, type KubeObject } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { createNamespace } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  configMap,
  configMaps,
  deployment,
  deployments,
  kustomizations,
  secrets,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

type Deployment = KubeObject & { spec: { replicas: number } };

const sourceRef = (name: string) => ({ kind: 'ExternalArtifact' as const, name });
const keyOf = (name: string) => ({ namespace: bed.namespace, name });

test('a failure is tried again after retryInterval, not at the interval', async () => {
  const targetNamespace = `${bed.namespace}-late`;
  await bed.publish({ 'a.yaml': configMap('late') }, 'r1', 'retried');
  const spec = { sourceRef: sourceRef('retried'), interval: '1h', retryInterval: '100ms' };
  await bed.apply({ ...spec, targetNamespace }, 'retried');
  await bed.failed('ReconciliationFailed', 'retried');
  await createNamespace(bed.client, targetNamespace);
  await bed.ready('r1', 'retried');
});

test('an object with another immutable field is made anew with force', async () => {
  const selector = (app: string) => {
    const object = JSON.parse(deployment('forced'));
    object.spec.selector.matchLabels = { app };
    object.spec.template.metadata.labels = { app };
    return JSON.stringify(object);
  };
  await bed.publish({ 'a.yaml': selector('one') }, 'r1', 'forced');
  await bed.apply({ sourceRef: sourceRef('forced') }, 'forced');
  await bed.ready('r1', 'forced');
  const before = await bed.client.get(deployments, keyOf('forced'));
  await bed.publish({ 'a.yaml': selector('two') }, 'r2', 'forced');
  await bed.failed('ReconciliationFailed', 'forced', /spec\.selector/);
  await bed.patch({ force: true }, 'forced');
  await bed.ready('r2', 'forced');
  const after = await bed.client.get(deployments, keyOf('forced'));
  expect(after.metadata.uid).not.toBe(before.metadata.uid);
});

test('fields that spec.ignore names keep what others have set', async () => {
  const files = (text: string) => ({
    'a.yaml': deployment('scaled', 0),
    'b.yaml': configMap('scaled', { text }),
  });
  await bed.publish(files('1'), 'r1', 'scaled');
  const ignore = [{ paths: ['/spec/replicas'], target: { kind: 'Deployment' } }];
  await bed.apply({ sourceRef: sourceRef('scaled'), ignore }, 'scaled');
  await bed.ready('r1', 'scaled');
  const options = { type: 'merge', fieldManager: 'autoscaler' } as const;
  await bed.client.patch(deployments, keyOf('scaled'), { spec: { replicas: 2 } }, options);
  await bed.publish(files('2'), 'r2', 'scaled');
  await bed.ready('r2', 'scaled');
  const { spec } = await bed.client.get<Deployment>(deployments, keyOf('scaled'));
  expect(spec.replicas).toBe(2);
});

test('a kubeconfig under a key of its own', async () => {
  const kubeconfig = await readFile(bed.kubeconfigPath, 'utf8');
  await bed.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: keyOf('clusters'),
    stringData: { value: 'none: at all', east: kubeconfig },
  } as KubeObject);
  await bed.publish({ 'a.yaml': configMap('east') }, 'r1', 'east');
  const kubeConfig = { secretRef: { name: 'clusters', key: 'east' } };
  await bed.apply({ sourceRef: sourceRef('east'), kubeConfig }, 'east');
  await bed.ready('r1', 'east');
  await bed.client.get(configMaps, keyOf('east'));
});

test('what a failing revision leaves in the status', async () => {
  await bed.publish({ 'a.yaml': configMap('a-status') }, 'r1', 'attempted');
  await bed.apply({ sourceRef: sourceRef('attempted') }, 'attempted');
  await bed.ready('r1', 'attempted');
  await bed.publish({ 'a.yaml': 'a: b: c' }, 'r2', 'attempted');
  const { status } = await bed.failed('BuildFailed', 'attempted');
  expect(status).toMatchObject({ lastAppliedRevision: 'r1', lastAttemptedRevision: 'r2' });
  expect(status?.inventory?.entries).toHaveLength(1);
});

test('the revision of the origin is told beside that of the artifact', async () => {
  const { digest, ...artifact } = await bed.publish({ 'a.yaml': configMap('a') }, 'r1', 'origin');
  const metadata = { 'org.opencontainers.image.revision': 'main@sha1:1' };
  const status = { artifact: { ...artifact, digest, metadata } };
  const options = { type: 'merge', subresource: 'status' } as const;
  const source = resourceOf(externalArtifactKind);
  await bed.client.patch(source, keyOf('origin'), { status }, options);
  await bed.apply({ sourceRef: sourceRef('origin') }, 'origin');
  const object = await bed.ready('r1', 'origin');
  expect(object.status).toMatchObject({
    lastAppliedOriginRevision: 'main@sha1:1',
    history: [{ metadata: { revision: 'r1', originRevision: 'main@sha1:1' } }],
  });
});

test('a HelmRelease can be waited for', async () => {
  const releases = resourceOf(helmReleaseKind);
  await bed.client.create(releases, {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: keyOf('database'),
    spec: { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'none' } },
  } as KubeObject);
  await bed.publish({ 'a.yaml': configMap('above') }, 'r1', 'above');
  const dependsOn = [{ kind: 'HelmRelease' as const, name: 'database' }];
  await bed.apply({ sourceRef: sourceRef('above'), dependsOn }, 'above');
  await bed.failed('DependencyNotReady', 'above');
  const now = new Date().toISOString();
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'x',
    message: '',
    lastTransitionTime: now,
  };
  await bed.client.patch(
    releases,
    keyOf('database'),
    { status: { observedGeneration: 1, conditions: [ready] } },
    { type: 'merge', subresource: 'status' },
  );
  await bed.ready('r1', 'above');
  expect(await bed.client.get(kustomizations, keyOf('above'))).toBeDefined();
});
