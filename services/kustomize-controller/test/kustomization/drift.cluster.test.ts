import type { KubeObject } from '@sluice/shared/api';
import { until, untilGone } from '@sluice/testing';
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

type ConfigMap = KubeObject & { data?: Record<string, string> };
type Deployment = KubeObject & { spec: { replicas: number } };

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;

test('changed and deleted fields are healed at once, and the event names the paths', async () => {
  const { client, namespace } = bed;
  await bed.publish(
    { 'web.yaml': deployment('web', 0), 'a.yaml': configMap('a', { k: 'v' }) },
    'r1',
    'heal',
  );
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'heal' } }, 'heal');
  await bed.ready('r1', 'heal');

  const edited = await client.patch<Deployment>(
    deployments,
    { namespace, name: 'web' },
    { spec: { replicas: 3 } },
    byHand,
  );
  expect(edited.spec.replicas).toBe(3);
  await until<Deployment>(
    client,
    deployments,
    { namespace, name: 'web' },
    (o) => o.spec.replicas === 0,
  );
  const event = await bed.event((e) => e.reason === 'DriftCorrected');
  expect(event).toMatchObject({
    severity: 'info',
    message: `Deployment/${namespace}/web drifted: .spec.replicas changed; corrected`,
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': 'r1' },
  });

  const { metadata } = await client.get(configMaps, { namespace, name: 'a' });
  await client.delete(configMaps, { namespace, name: 'a' });
  await until(client, configMaps, { namespace, name: 'a' }, (o) => o.metadata.uid !== metadata.uid);
  await bed.event((e) => e.message === `ConfigMap/${namespace}/a deleted; created again`);

  await client.patch(
    configMaps,
    { namespace, name: 'a' },
    { metadata: { labels: { 'kustomize.toolkit.fluxcd.io/name': null } } },
    byHand,
  );
  await until(
    client,
    configMaps,
    { namespace, name: 'a' },
    (o) => o.metadata.labels?.['kustomize.toolkit.fluxcd.io/name'] === 'heal',
  );
});

test('warn reports once, masks secret values, and changes nothing', async () => {
  const { client, namespace } = bed;
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    stringData: { password: 'source-canary' },
  };
  await bed.publish({ 's.yaml': JSON.stringify(secret) }, 'r1', 'warn');
  await bed.apply(
    { sourceRef: { kind: 'ExternalArtifact', name: 'warn' }, driftDetection: { mode: 'warn' } },
    'warn',
  );
  await bed.ready('r1', 'warn');
  await client.patch(
    secrets,
    { namespace, name: 's' },
    { stringData: { password: 'live-canary' } },
    byHand,
  );
  const event = await bed.event(
    (e) => e.reason === 'DriftDetected' && e.involvedObject.name === 'warn',
  );
  expect(event.severity).toBe('error');
  expect(event.message).toContain('.data.password changed (secret)');
  expect(JSON.stringify(bed.events)).not.toContain('canary');
  const live = await client.get<ConfigMap>(secrets, { namespace, name: 's' });
  expect(Buffer.from(live.data?.['password'] ?? '', 'base64').toString()).toBe('live-canary');
});

test('disabled and ignored changes stay', async () => {
  const { client, namespace } = bed;
  await bed.publish(
    { 'd.yaml': deployment('ignored', 0), 'c.yaml': configMap('ignored', { k: 'v' }) },
    'r1',
    'ignore',
  );
  const target = { kind: 'Deployment' };
  await bed.apply(
    {
      sourceRef: { kind: 'ExternalArtifact', name: 'ignore' },
      driftDetection: { ignore: [{ paths: ['/spec/replicas'], target }] },
    },
    'ignore',
  );
  await bed.ready('r1', 'ignore');
  await client.patch(
    deployments,
    { namespace, name: 'ignored' },
    { spec: { replicas: 2 } },
    { type: 'merge', fieldManager: 'autoscaler' },
  );
  // The change of the ConfigMap, made later, is healed; by then the other one would have been healed, too.
  await client.patch(configMaps, { namespace, name: 'ignored' }, { data: { k: 'x' } }, byHand);
  await until<ConfigMap>(
    client,
    configMaps,
    { namespace, name: 'ignored' },
    (o) => o.data?.['k'] === 'v',
  );
  expect(
    (await client.get<Deployment>(deployments, { namespace, name: 'ignored' })).spec.replicas,
  ).toBe(2);
});

test('a tug-of-war is spaced out and announced', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'c.yaml': configMap('war', { k: 'source' }) }, 'r1', 'war');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'war' } }, 'war');
  await bed.ready('r1', 'war');
  for (let round = 0; round < 4; round++) {
    await client.patch(
      configMaps,
      { namespace, name: 'war' },
      { data: { k: `rival-${round}` } },
      byHand,
    );
    await until<ConfigMap>(
      client,
      configMaps,
      { namespace, name: 'war' },
      (o) => o.data?.['k'] === 'source',
    );
  }
  await client.patch(configMaps, { namespace, name: 'war' }, { data: { k: 'rival' } }, byHand);
  const event = await bed.event(
    (e) => e.reason === 'DriftDetected' && e.involvedObject.name === 'war',
  );
  expect(event.message).toContain('something keeps changing');
  expect(event.message).toContain(`They are held by ${byHand.fieldManager} (.data.k)`);
});

test('drift is healed although the latest revision cannot be built', async () => {
  const { client, namespace } = bed;
  await bed.publish({ 'c.yaml': configMap('broken', { k: 'source' }) }, 'r1', 'broken');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'broken' } }, 'broken');
  await bed.ready('r1', 'broken');
  await bed.publish({ 'c.yaml': '}' }, 'r2', 'broken');
  await bed.failed('BuildFailed', 'broken');
  const key = { namespace, name: 'broken' };
  await client.patch(configMaps, key, { data: { k: 'edited' } }, byHand);
  await until<ConfigMap>(client, configMaps, key, (o) => o.data?.['k'] === 'source');
  await bed.publish({ 'c.yaml': configMap('broken', { k: 'source' }) }, 'r3', 'broken');
  await bed.ready('r3', 'broken');
});

test('an object that moves to another Kustomization is neither taken back nor pruned', async () => {
  const { client, namespace } = bed;
  const sourceOf = (name: string) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } });
  const label = 'kustomize.toolkit.fluxcd.io/name';
  const moves = { 'moves.yaml': configMap('a-moves', { k: 'v' }) };
  await bed.publish({ ...moves, 'stays.yaml': configMap('stays') }, 'r1', 'from');
  await bed.apply(sourceOf('from'), 'from');
  await bed.ready('r1', 'from');
  const { metadata } = await client.get(configMaps, { namespace, name: 'a-moves' });

  // The first of many objects is seen to change long before the last one is applied.
  const others = Array.from({ length: 60 }, (_, n) => [`o${n}.yaml`, configMap(`other-${n}`)]);
  await bed.publish({ ...moves, ...Object.fromEntries(others) }, 'r1', 'to');
  await bed.apply(sourceOf('to'), 'to');
  await bed.ready('r1', 'to');
  await bed.publish({ 'stays.yaml': configMap('stays') }, 'r2', 'from');
  await bed.ready('r2', 'from');

  const moved = await client.get(configMaps, { namespace, name: 'a-moves' });
  expect(moved.metadata.uid).toBe(metadata.uid);
  expect(moved.metadata.labels?.[label]).toBe('to');
  const fromEvents = bed.events.filter((e) => e.involvedObject.name === 'from');
  expect(fromEvents.filter((e) => e.reason === 'DriftCorrected')).toEqual([]);
});

test('labels that name nobody are drift', async () => {
  const { client, namespace } = bed;
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'labels' };
  await bed.publish({ 'a.yaml': configMap('labelled') }, 'r1', 'labels');
  await bed.apply({ sourceRef }, 'labels');
  await bed.ready('r1', 'labels');
  const label = 'kustomize.toolkit.fluxcd.io/name';
  const key = { namespace, name: 'labelled' };
  await client.patch(configMaps, key, { metadata: { labels: { [label]: 'nobody' } } }, byHand);
  await until(client, configMaps, key, (o) => o.metadata.labels?.[label] === 'labels');
});

test('what two Kustomizations apply stays while one of them does, whoever was last', async () => {
  const { client, namespace } = bed;
  const sourceOf = (name: string) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } });
  const label = 'kustomize.toolkit.fluxcd.io/name';
  const key = { namespace, name: 'shared' };
  const shared = { 'shared.yaml': configMap('shared', { k: 'v' }) };
  for (const name of ['second', 'first']) {
    await bed.publish({ ...shared, 'own.yaml': configMap(`own-${name}`) }, 'r1', name);
    await bed.apply(sourceOf(name), name);
    await bed.ready('r1', name);
  }
  const { metadata } = await client.get(configMaps, key);
  expect(metadata.labels?.[label]).toBe('first');

  await bed.publish({ 'own.yaml': configMap('own-first') }, 'r2', 'first');
  await bed.ready('r2', 'first');
  await until(client, configMaps, key, (o) => o.metadata.labels?.[label] === 'second');
  expect((await client.get(configMaps, key)).metadata.uid).toBe(metadata.uid);
  await client.delete(kustomizations, { namespace, name: 'second' });
  await untilGone(client, configMaps, key);
});

const restartedAt = 'kubectl.kubernetes.io/restartedAt';
const annotationsOf = (o: KubeObject) =>
  (o as KubeObject & { spec: { template: { metadata: { annotations?: object } } } }).spec.template
    .metadata.annotations ?? {};
const request = (name: string, at: string) =>
  bed.client.patch(
    kustomizations,
    { namespace: bed.namespace, name },
    { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': at } } },
    { type: 'merge' },
  );
const handled = (name: string, at: string) =>
  bed.when((o) => o.status?.lastHandledReconcileAt === at, name);

test('what kubectl has added stays until the next revision, and a restart over requests, too', async () => {
  const { client, namespace } = bed;
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'restart' };
  const key = { namespace, name: 'restart' };
  const files = { 'd.yaml': deployment('restart', 0), 'c.yaml': configMap('restart', { k: 'v' }) };
  await bed.publish(files, 'r1', 'restart');
  await bed.apply({ sourceRef }, 'restart');
  await bed.ready('r1', 'restart');
  const annotations = { [restartedAt]: '2030-01-01T00:00:00Z' };
  await client.patch(
    deployments,
    key,
    { spec: { template: { metadata: { annotations } } } },
    { type: 'strategic', fieldManager: 'kubectl-rollout' },
  );
  await client.patch(
    deployments,
    key,
    { metadata: { annotations: { note: 'x' } } },
    { type: 'merge', fieldManager: 'kubectl-annotate' },
  );
  // A change of what the source sets, made later, is healed; what else kubectl has set would have been, too.
  await client.patch(configMaps, key, { data: { k: 'x', extra: '1' } }, byHand);
  await until<ConfigMap>(client, configMaps, key, (o) => o.data?.['k'] === 'v');
  await client.patch(deployments, key, { spec: { replicas: 3 } }, byHand);
  const healed = await until<Deployment>(client, deployments, key, (o) => o.spec.replicas === 0);
  expect(annotationsOf(healed)).toEqual(annotations);
  expect(healed.metadata.annotations).toMatchObject({ note: 'x' });
  expect((await client.get<ConfigMap>(configMaps, key)).data).toEqual({ k: 'v', extra: '1' });

  await bed.restart();
  await request('restart', 'first');
  await handled('restart', 'first');
  const requested = await client.get(deployments, key);
  expect(annotationsOf(requested)).toEqual(annotations);
  expect(requested.metadata.annotations).not.toHaveProperty('note');
  expect((await client.get<ConfigMap>(configMaps, key)).data).toEqual({ k: 'v' });

  await bed.publish({ ...files, 'more.yaml': configMap('more') }, 'r2', 'restart');
  await bed.ready('r2', 'restart');
  expect(annotationsOf(await client.get(deployments, key))).toEqual({});
});

test('a request takes over what kubectl has applied, although it is the same', async () => {
  const { client, namespace } = bed;
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'owned' };
  const key = { namespace, name: 'owned' };
  await bed.publish({ 'c.yaml': configMap('owned', { k: 'v' }) }, 'r1', 'owned');
  await bed.apply({ sourceRef }, 'owned');
  await bed.ready('r1', 'owned');
  const managers = async () =>
    (await client.get(configMaps, key)).metadata.managedFields?.map(({ manager }) => manager);
  const same = JSON.parse(configMap('owned', { k: 'v' }));
  const manifest = { ...same, metadata: { ...same.metadata, namespace } };
  await client.apply(configMaps, manifest, { fieldManager: 'kubectl', force: true });
  expect(await managers()).toContain('kubectl');
  await request('owned', 'first');
  await handled('owned', 'first');
  expect(await managers()).toEqual(['kustomize-controller']);
});

test('deletions are spaced out from the second one on, and can be exempted', async () => {
  const { client, namespace } = bed;
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'deleted' };
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'gone',
    uid: '11111111-2222-3333-4444-555555555555',
  };
  const manifest = JSON.parse(configMap('deleted', { k: 'v' }));
  manifest.metadata.ownerReferences = [owner];
  const files = { 'c.yaml': JSON.stringify(manifest), 'e.yaml': configMap('exempt') };
  await bed.publish(files, 'r1', 'deleted');
  const target = { kind: 'ConfigMap', name: 'exempt' };
  await bed.apply({ sourceRef, driftDetection: { ignore: [{ paths: [''], target }] } }, 'deleted');
  await bed.ready('r1', 'deleted');
  await client.delete(configMaps, { namespace, name: 'exempt' });
  // The garbage collection of the cluster deletes it each time.
  const event = await bed.event(
    (e) => e.reason === 'DriftDetected' && e.involvedObject.name === 'deleted',
  );
  expect(event.message).toContain(
    `ConfigMap/${namespace}/deleted deleted; something keeps deleting the object: it was created again once; the next ones are at least 5s apart`,
  );
  expect(event.message).toContain('The source names Deployment/gone as its owner');
  expect(event.message).not.toContain('fields');
  await expect(client.get(configMaps, { namespace, name: 'exempt' })).rejects.toMatchObject({
    status: 404,
  });
});
