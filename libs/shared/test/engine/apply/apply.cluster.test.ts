import type { KubeObject } from '@sluice/shared/api';
import {
  type ApplyOptions,
  applyObjects,
  createLiveObjects,
  displayName,
  type LiveObjects,
} from '@sluice/shared/engine';
import { type ApiResource, coreResources, isNotFound, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, deployment, identity, owned, prefix, secret } from '../engine-objects.ts';

let client: KubeClient;
let live: LiveObjects;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'apply');
  live = createLiveObjects({
    client,
    identity,
    labelSelector: `${prefix}/name=${namespace}`,
  });
});

afterAll(() => live.stop());

function options(extra: Partial<ApplyOptions> = {}): ApplyOptions {
  return {
    client,
    identity,
    concurrency: 4,
    live,
    ...extra,
  };
}

async function apply(objects: KubeObject[], extra: Partial<ApplyOptions> = {}) {
  const labelled = objects.map((object) => owned(object, namespace));
  const { changes, failures } = await applyObjects(labelled, options(extra));
  return {
    changes,
    actions: Object.fromEntries(changes.map((change) => [displayName(change.id), change.action])),
    failures: failures.map(({ error }) => error.message),
  };
}

describe('actions', () => {
  it('tells created, unchanged and configured objects apart', async () => {
    const objects = [configMap(namespace, 'actions', { a: '1' }), deployment(namespace, 'actions')];
    expect((await apply(objects)).actions).toEqual({
      [`ConfigMap/${namespace}/actions`]: 'created',
      [`Deployment/${namespace}/actions`]: 'created',
    });
    await liveHas('actions', () => true);
    await liveHas('actions', () => true, coreResources.deployments);
    expect(new Set(Object.values((await apply(objects)).actions))).toEqual(new Set(['unchanged']));
    const changed = [configMap(namespace, 'actions', { a: '2' }), deployment(namespace, 'actions')];
    expect((await apply(changed)).actions).toEqual({
      [`ConfigMap/${namespace}/actions`]: 'configured',
      [`Deployment/${namespace}/actions`]: 'unchanged',
    });
  });

  it('removes a key of a Secret that has left the source', async () => {
    await apply([secret(namespace, 'keys', { a: 'first', b: 'second' })]);
    await apply([secret(namespace, 'keys', { a: 'first' })]);
    const stored = await client.get<KubeObject & { data: object }>(coreResources.secrets, {
      namespace,
      name: 'keys',
    });
    expect(Object.keys(stored.data)).toEqual(['a']);
  });
});

describe('when nothing new is expected', () => {
  it.each([
    { name: 'watched', how: {} },
    { name: 'unwatched', how: { live: undefined } },
  ])('writes to $name objects that differ, and to no others', async ({ name, how }) => {
    const [same, lost, edited] = ['same', 'lost', 'edited'].map((each) => `${name}-${each}`) as [
      string,
      string,
      string,
    ];
    // As others send it: nobody has set the strategy.
    const theirs = owned(deployment(namespace, same), namespace);
    Object.assign((theirs as unknown as { spec: object }).spec, { strategy: {} });
    await applyObjects([theirs], options());
    await apply([configMap(namespace, edited, { a: '1' })]);
    await kubectlPatch(edited, { data: { a: '2' } });
    const key = { namespace, name: same };
    const managers = async () =>
      (await client.get(coreResources.deployments, key)).metadata.managedFields?.filter(
        ({ subresource }) => subresource === undefined,
      );
    const before = await managers();
    const objects = [
      deployment(namespace, same),
      configMap(namespace, lost),
      configMap(namespace, edited, { a: '1' }),
    ];
    const { actions } = await apply(objects, { expectEqual: true, ...how });
    expect(actions).toEqual({
      [`Deployment/${namespace}/${same}`]: 'unchanged',
      [`ConfigMap/${namespace}/${lost}`]: 'created',
      [`ConfigMap/${namespace}/${edited}`]: 'configured',
    });
    expect(await managers()).toEqual(before);
    expect(await dataOf(edited)).toEqual({ a: '1' });
  });
});

describe('policies', () => {
  const excluded: { policy: Record<string, string>; name: string }[] = [
    { policy: { ssa: 'Ignore' }, name: 'ignore' },
    { policy: { reconcile: 'Disabled' }, name: 'disabled' },
  ];

  it.each(excluded)('does not create an object with $policy', async ({ policy, name }) => {
    const { actions } = await apply([configMap(namespace, name, {}, policy)]);
    expect(actions).toEqual({ [`ConfigMap/${namespace}/${name}`]: 'skipped' });
    const absent = client.get(coreResources.configMaps, { namespace, name });
    await expect(absent).rejects.toSatisfy(isNotFound);
  });

  it('creates an object with IfNotPresent and then leaves it alone', async () => {
    const policy = { ssa: 'IfNotPresent' };
    const id = `ConfigMap/${namespace}/once`;
    const first = await apply([configMap(namespace, 'once', { a: '1' }, policy)]);
    const second = await apply([configMap(namespace, 'once', { a: '2' }, policy)]);
    expect([first.actions[id], second.actions[id]]).toEqual(['created', 'skipped']);
    expect(await dataOf('once')).toEqual({ a: '1' });
  });

  it('leaves an object alone that was excluded in the cluster', async () => {
    await apply([configMap(namespace, 'paused', { a: '1' })]);
    await kubectlPatch('paused', {
      metadata: { annotations: { [`${prefix}/reconcile`]: 'disabled' } },
    });
    await liveHas('paused', (object) => object.metadata.annotations?.[`${prefix}/reconcile`]);
    const { actions } = await apply([configMap(namespace, 'paused', { a: '2' })]);
    expect(actions).toEqual({ [`ConfigMap/${namespace}/paused`]: 'skipped' });
    expect(await dataOf('paused')).toEqual({ a: '1' });
  });
});

describe('field managers', () => {
  const edit = { metadata: { labels: { team: 'x' } }, data: { a: 'edited', b: 'added' } };

  it('overrides what kubectl has changed and added', async () => {
    await apply([configMap(namespace, 'edited', { a: '1' })]);
    await kubectlPatch('edited', edit);
    const { actions, changes } = await apply([configMap(namespace, 'edited', { a: '1' })]);
    expect(actions).toEqual({ [`ConfigMap/${namespace}/edited`]: 'configured' });
    expect(await dataOf('edited')).toEqual({ a: '1' });
    expect(changes[0]?.object.metadata.labels?.['team']).toBeUndefined();
  });

  it('keeps fields that kubectl has added under the policy Merge', async () => {
    const object = configMap(namespace, 'merged', { a: '1' }, { ssa: 'Merge' });
    await apply([object]);
    await kubectlPatch('merged', edit);
    await apply([object]);
    expect(await dataOf('merged')).toEqual({ a: '1', b: 'added' });
  });

  it('keeps fields that a controller has added', async () => {
    await apply([configMap(namespace, 'shared', { a: '1' })]);
    await patch('shared', { data: { b: 'added' } }, 'some-controller');
    await apply([configMap(namespace, 'shared', { a: '1' })]);
    expect(await dataOf('shared')).toEqual({ a: '1', b: 'added' });
  });

  it('leaves an exempted field to its present value, and to its manager when that has applied it', async () => {
    const ignore = [{ paths: ['/data/tuned'], target: { kind: 'ConfigMap', name: 'tuned' } }];
    const object = configMap(namespace, 'tuned', { tuned: '1', other: '1' });
    await apply([object], { ignore });
    await patch('tuned', { data: { tuned: '5' } }, 'autoscaler');
    await apply([configMap(namespace, 'tuned', { tuned: '1', other: '2' })], { ignore });
    expect(await dataOf('tuned')).toEqual({ tuned: '5', other: '2' });
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tuned', namespace } };
    await client.apply(
      coreResources.configMaps,
      { ...theirs, data: { tuned: '9' } } as KubeObject,
      { fieldManager: 'autoscaler', force: true },
    );
    await apply([object], { ignore });
    expect(await dataOf('tuned')).toEqual({ tuned: '9', other: '1' });
  });
});

async function dataOf(name: string) {
  const found = await client.get(coreResources.configMaps, { namespace, name });
  return (found as KubeObject & { data: Record<string, string> }).data;
}

function patch(name: string, body: object, fieldManager: string) {
  const key = { namespace, name };
  return client.patch(coreResources.configMaps, key, body, { type: 'merge', fieldManager });
}

function kubectlPatch(name: string, body: object) {
  return patch(name, body, 'kubectl-edit');
}

function liveHas(
  name: string,
  predicate: (object: KubeObject) => unknown,
  resource: ApiResource = coreResources.configMaps,
): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      const object = live.get(resource, { namespace, name });
      if (object === undefined || !predicate(object)) return;
      end();
      resolve();
    };
    const end = live.onChange(check);
    check();
  });
}
