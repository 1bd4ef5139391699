import type { KubeObject } from '@sluice/shared/api';
import {
  type ApplierIdentity,
  applyClientSide,
  applyContext,
  applyObject,
  type ClientSideApplyOptions,
  ObjectError,
} from '@sluice/shared/engine';
import { gvkOf, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap, deployment, identity, secret } from '../engine-objects.ts';

const asHelm: ApplierIdentity = {
  ...identity,
  fieldManager: 'helm-controller',
  overridden: [{ prefix: 'helm-controller', operation: 'Update', exact: true }],
};
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'client-side');
});

type Extra = Partial<
  Pick<ClientSideApplyOptions, 'force' | 'original' | 'correctsCustomResources'>
>;

async function apply(target: KubeObject, extra: Extra = {}) {
  const resource = await client.mapper.resourceFor(gvkOf(target));
  return applyClientSide({ client, resource, target, identity: asHelm, ...extra });
}

async function liveOf<T = Record<string, unknown>>(object: KubeObject): Promise<KubeObject & T> {
  const resource = await client.mapper.resourceFor(gvkOf(object));
  return client.get<KubeObject & T>(resource, { ...object.metadata });
}

async function edit(object: KubeObject, patch: object) {
  const resource = await client.mapper.resourceFor(gvkOf(object));
  const options = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  return client.patch<KubeObject>(resource, object.metadata, patch, options);
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ObjectError);
  return error as Error;
}

const claim = (name: string, size: string, storageClassName: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName,
    resources: { requests: { storage: size } },
  },
});

const twoProtocols = (udpTarget: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'dns', namespace },
  spec: {
    ports: [
      { name: 'tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      { name: 'udp', port: 53, protocol: 'UDP', targetPort: udpTarget },
    ],
  },
});

const repository = (branch: string) => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'custom', namespace },
  spec: { url: 'https://example.com/x', interval: '1h', ref: { branch } },
});

describe('client-side apply', () => {
  it('tells created, configured and unchanged objects apart', async () => {
    const first = configMap(namespace, 'actions', { a: '1' });
    const second = configMap(namespace, 'actions', { a: '2' });
    const created = await apply(first);
    const same = await apply(first, { original: first });
    const changed = await apply(second, { original: first });
    expect([created, same, changed].map(({ action }) => action)).toEqual([
      'created',
      'unchanged',
      'configured',
    ]);
    expect(same.object.metadata.resourceVersion).toBe(created.object.metadata.resourceVersion);
    expect(changed.id).toEqual({ namespace, name: 'actions', group: '', kind: 'ConfigMap' });
    expect(changed.object.metadata.managedFields?.[0]).toMatchObject({
      manager: 'helm-controller',
      operation: 'Update',
    });
  });

  it('goes on from what others have created meanwhile', async () => {
    const object = configMap(namespace, 'raced', { a: '1' });
    const changes = await Promise.all(Array.from({ length: 8 }, () => apply(object)));
    const actions = changes.map(({ action }) => action).sort();
    expect(actions).toEqual(['created', ...Array(7).fill('unchanged')]);
  });

  it('takes what is in the cluster for the original when there is none', async () => {
    const labels = { a: '1' };
    const object = configMap(namespace, 'adopted', { a: '1', b: '1' });
    await apply({ ...object, metadata: { ...object.metadata, labels } });
    await edit(object, { metadata: { finalizers: ['x.io/keep'] } });
    await apply(configMap(namespace, 'adopted', { a: '1' }));
    const { data, metadata } = await liveOf(object);
    await edit(object, { metadata: { finalizers: null } });
    expect([data, metadata.labels, metadata.finalizers]).toEqual([
      { a: '1' },
      undefined,
      ['x.io/keep'],
    ]);
  });

  it('removes a key of stringData that has left the manifest', async () => {
    const original = secret(namespace, 'keys', { a: 'first', b: 'second' });
    await apply(original);
    await apply(secret(namespace, 'keys', { a: 'first' }), { original });
    const { data } = await liveOf<{ data: object }>(original);
    expect(Object.keys(data)).toEqual(['a']);
  });

  it('changes the right one of two ports with the same number', async () => {
    await apply(twoProtocols(53));
    await apply(twoProtocols(5353), { original: twoProtocols(53) });
    expect((await liveOf(twoProtocols(53)))['spec']).toMatchObject(twoProtocols(5353).spec);
  });

  it('keeps one of two ports with the same number', async () => {
    const original = twoProtocols(53);
    await apply(original);
    const target = { ...original, spec: { ports: original.spec.ports.slice(1) } };
    await apply(target, { original });
    const { spec } = await liveOf<{ spec: { ports: object[] } }>(original);
    expect(spec.ports).toEqual(target.spec.ports);
  });

  it('brings back fields of custom resources only when asked to', async () => {
    const target = repository('main');
    await apply(target);
    await edit(target, { spec: { ref: { branch: 'edited' } } });
    await apply(target, { original: target });
    expect((await liveOf(target))['spec']).toMatchObject({ ref: { branch: 'edited' } });
    await apply(target, { original: target, correctsCustomResources: true });
    expect((await liveOf(target))['spec']).toMatchObject({ ref: { branch: 'main' } });
  });

  it('names the object and no secret value when it is refused', async () => {
    const target = {
      ...secret(namespace, 'bad', { a: 'canary-value' }),
      type: 'bootstrap/'.repeat(99),
    };
    const broken = { ...target, data: { b: 'canary-value' } };
    const { message } = await failure(apply(broken as unknown as KubeObject));
    expect(message).toContain(`Secret/${namespace}/bad apply failed`);
    expect(message).not.toContain('canary');
  });
});

describe('with force', () => {
  it('replaces the object, fields of others included', async () => {
    const target = configMap(namespace, 'forced', { a: '1' });
    await apply(target);
    await edit(target, { data: { x: '1' } });
    const { action } = await apply(target, { original: target, force: true });
    expect([action, (await liveOf(target))['data']]).toEqual(['configured', { a: '1' }]);
  });

  it('recreates an object of which an immutable field changes, and does not without', async () => {
    const original = deployment(namespace, 'immutable');
    await apply(original);
    const { uid } = (await liveOf(original)).metadata;
    const target = structuredClone(original);
    target.spec.selector.matchLabels = target.spec.template.metadata.labels = { app: 'other' };
    const { message } = await failure(apply(target, { original }));
    expect(message).toContain('spec.selector');
    expect((await liveOf(original)).metadata.uid).toBe(uid);
    expect((await apply(target, { original, force: true })).action).toBe('recreated');
    expect((await liveOf(original)).metadata.uid).not.toBe(uid);
  });

  it('never recreates a claim', async () => {
    const original = claim('kept', '1Gi', 'a');
    await apply(original);
    const { uid } = (await liveOf(original)).metadata;
    await failure(apply(claim('kept', '1Gi', 'b'), { original, force: true }));
    const { metadata } = await liveOf(original);
    expect([metadata.uid, metadata.deletionTimestamp]).toEqual([uid, undefined]);
  });
});

it('leaves nothing behind that keeps a later server-side apply from removing fields', async () => {
  const original = configMap(namespace, 'taken-over', { a: '1', b: '1' });
  await apply(original);
  await edit(original, { data: { x: '1' } });
  const { object } = await applyObject(configMap(namespace, 'taken-over', { a: '1' }), {
    ...applyContext({ client, identity: asHelm, concurrency: 1 }),
  });
  expect((object as KubeObject & { data: object }).data).toEqual({ a: '1', x: '1' });
});
