import type { KubeObject } from '@sluice/shared/api';
import {
  AppliedState,
  applyObjects,
  confirmDrift,
  createLiveObjects,
  type DriftIgnoreRule,
  type LiveObjects,
  objectIdOf,
} from '@sluice/shared/engine';
import { type ApiResource, coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, deployment, identity, owned, prefix, secret } from '../engine-objects.ts';

let client: KubeClient;
let live: LiveObjects;
let namespace: string;
let state: AppliedState;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'drift');
  live = createLiveObjects({
    client,
    identity,
    labelSelector: `${prefix}/name=${namespace}`,
  });
  state = new AppliedState(identity);
});

afterAll(() => live.stop());

async function apply(object: KubeObject, ignore?: DriftIgnoreRule[]): Promise<KubeObject> {
  const { changes, failures } = await applyObjects([owned(object, namespace)], {
    client,
    identity,
    concurrency: 1,
    live,
    ignore,
  });
  if (failures[0]) throw failures[0].error;
  const applied = changes.map((change) => change.object);
  state.record('owner', applied, { ignore });
  return applied[0] as KubeObject;
}

interface Edit {
  resource: ApiResource;
  object: KubeObject;
  patch: unknown;
  manager?: string;
  type?: 'merge' | 'json' | 'strategic';
  ignore?: DriftIgnoreRule[];
}

/** Applies an object, lets someone edit it, and says what the engine thinks of the result. */
async function drift({ resource, object, patch, manager = 'someone', type, ignore }: Edit) {
  await apply(object, ignore);
  const { name } = object.metadata;
  const key = { namespace, name };
  const edited = await client.patch(resource, key, patch, {
    type: type ?? 'merge',
    fieldManager: manager,
  });
  const seen = await liveAt(resource, name, edited.metadata.resourceVersion);
  const suspected = state.isDrifted(seen, objectIdOf(seen));
  const desired = owned(object, namespace);
  const confirmed = await confirmDrift({ client, identity, desired, live: seen, ignore });
  return { suspected, changes: confirmed?.changes ?? [], seen };
}

/** Waits until the live state is at least as new as a resource version; controllers may have moved it further. */
function liveAt(resource: ApiResource, name: string, version = '0'): Promise<KubeObject> {
  return new Promise((resolve) => {
    const check = () => {
      const object = live.get(resource, { namespace, name });
      if (BigInt(object?.metadata.resourceVersion ?? -1) < BigInt(version) || !object) return;
      end();
      resolve(object);
    };
    const end = live.onChange(check);
    check();
  });
}

const { configMaps, deployments, secrets } = coreResources;

function changed(path: string, kind = 'changed', masked = false) {
  return [{ path, kind, masked }];
}

describe('what counts as drift', () => {
  it.each([
    { name: 'a scalar', patch: { spec: { replicas: 3 } }, path: '.spec.replicas' },
    {
      name: 'a part of a keyed list item',
      patch: { spec: { template: { spec: { containers: [{ name: 'app', image: 'evil:1' }] } } } },
      type: 'strategic' as const,
      path: '.spec.template.spec.containers[0].image',
    },
    {
      name: 'a quantity',
      patch: [
        {
          op: 'replace',
          path: '/spec/template/spec/containers/0/resources/limits/cpu',
          value: '2000m',
        },
      ],
      type: 'json' as const,
      path: '.spec.template.spec.containers[0].resources.limits.cpu',
    },
    {
      name: 'a removed item of a keyed list',
      patch: [{ op: 'remove', path: '/spec/template/spec/containers/0/env/0' }],
      type: 'json' as const,
      path: '.spec.template.spec.containers[0].env',
      kind: 'removed',
    },
  ])('a change of $name', async ({ name, patch, type, path, kind }) => {
    const object = deployment(namespace, name.replaceAll(' ', '-'));
    const { suspected, changes } = await drift({ resource: deployments, object, patch, type });
    expect(suspected).toBe(true);
    expect(changes).toEqual(changed(path, kind));
  });

  it('a label that was removed', async () => {
    const object = configMap(namespace, 'unlabelled', { a: '1' });
    const labelled = { ...object, metadata: { ...object.metadata, labels: { team: 'x' } } };
    const patch = { metadata: { labels: { team: null } } };
    const result = await drift({ resource: configMaps, object: labelled, patch });
    expect(result.changes).toEqual(changed('.metadata.labels.team', 'removed'));
    expect(result.suspected).toBe(true);
  });

  it('a value of a Secret, of which no value is kept or shown', async () => {
    const object = secret(namespace, 'canary', { password: 'canary-value' });
    const patch = { stringData: { password: 'canary-other' } };
    const result = await drift({ resource: secrets, object, patch });
    expect(result.suspected).toBe(true);
    expect(result.changes).toEqual(changed('.data.password', 'changed', true));
    expect(JSON.stringify([result, state])).not.toMatch(/canary-(value|other)|Y2FuYXJ5LX/);
  });

  it('a long value of a ConfigMap, of which only the digest is kept', async () => {
    const object = configMap(namespace, 'long', { text: 'x'.repeat(5000) });
    const patch = { data: { text: 'y'.repeat(5000) } };
    const result = await drift({ resource: configMaps, object, patch });
    expect(result.suspected).toBe(true);
    expect(result.changes).toEqual(changed('.data.text'));
    expect(JSON.stringify(result.seen).length).toBeLessThan(1500);
  });
});

function restarted(at: string) {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': at };
  return { spec: { template: { metadata: { annotations } } } };
}

describe('what does not count as drift', () => {
  const annotated = { metadata: { annotations: { 'example.com/seen': 'yes' } } };

  it.each([
    { name: 'an annotation of a controller', patch: annotated },
    { name: 'a default that another manager takes', patch: { spec: { paused: false } } },
    { name: 'nothing at all', patch: {} },
    {
      name: 'a restart by kubectl',
      patch: restarted('2030-01-01T00:00:00Z'),
      manager: 'kubectl-rollout',
    },
    { name: 'an annotation by kubectl', patch: annotated, manager: 'kubectl-annotate' },
  ])('$name', async ({ name, patch, manager }) => {
    const object = deployment(namespace, name.replaceAll(' ', '-'));
    const { suspected, changes } = await drift({ resource: deployments, object, patch, manager });
    expect([suspected, changes]).toEqual([false, []]);
  });

  it('a restart of what the source says to have been restarted before', async () => {
    const object = deployment(namespace, 'restarted-before');
    const { template } = object.spec;
    const { annotations } = restarted('2020-01-01T00:00:00Z').spec.template.metadata;
    const metadata = { ...template.metadata, annotations };
    const exported = { ...object, spec: { ...object.spec, template: { ...template, metadata } } };
    const { suspected, changes } = await drift({
      resource: deployments,
      object: exported,
      patch: restarted('2030-01-01T00:00:00Z'),
      manager: 'kubectl-rollout',
    });
    expect([suspected, changes]).toEqual([false, []]);
  });

  it('a container that an injector has added', async () => {
    const object = deployment(namespace, 'injected');
    const containers = [{ name: 'sidecar', image: 'proxy:1' }];
    const patch = { spec: { template: { spec: { containers } } } };
    const result = await drift({ resource: deployments, object, patch, type: 'strategic' });
    expect([result.suspected, result.changes]).toEqual([false, []]);
  });

  it('the status', async () => {
    const object = deployment(namespace, 'status');
    await apply(object);
    const patched = await client.patch(
      deployments,
      { namespace, name: 'status' },
      { status: { observedGeneration: 1, conditions: [{ type: 'Odd', status: 'True' }] } },
      { type: 'merge', subresource: 'status', fieldManager: 'someone' },
    );
    expect(state.isDrifted(patched, objectIdOf(patched))).toBe(false);
  });

  it('a field that the source leaves to an autoscaler', async () => {
    const { spec, ...rest } = deployment(namespace, 'autoscaled');
    const { replicas: _, ...others } = spec;
    const object = { ...rest, spec: others };
    const patch = { spec: { replicas: 5 } };
    const { suspected, changes } = await drift({ resource: deployments, object, patch });
    expect([suspected, changes]).toEqual([false, []]);
  });

  it('a field that a rule exempts', async () => {
    const object = deployment(namespace, 'exempt');
    const ignore = [{ paths: ['/spec/replicas'], target: { kind: 'Deploy.*' } }];
    const patch = { spec: { replicas: 5 } };
    const result = await drift({ resource: deployments, object, patch, ignore });
    expect([result.suspected, result.changes]).toEqual([false, []]);
  });
});

describe('objects that are gone', () => {
  it('reports a deleted object', async () => {
    const desired = owned(configMap(namespace, 'gone', { a: '1' }), namespace);
    await apply(desired);
    await client.delete(configMaps, { namespace, name: 'gone' });
    const id = objectIdOf(desired);
    expect(state.isDrifted(undefined, id)).toBe(true);
    const confirmed = await confirmDrift({ client, identity, desired, live: undefined });
    expect(confirmed).toEqual({ id, deleted: true, changes: [] });
  });

  it('reports the labels of an object that lost them, and with them its watch', async () => {
    const desired = owned(configMap(namespace, 'stripped', { a: '1' }), namespace);
    await apply(desired);
    const patch = { metadata: { labels: { [`${prefix}/name`]: null } } };
    await client.patch(configMaps, { namespace, name: 'stripped' }, patch, { type: 'merge' });
    const confirmed = await confirmDrift({ client, identity, desired, live: undefined });
    expect(confirmed?.deleted).toBe(false);
    expect(confirmed?.changes).toEqual(changed(`.metadata.labels["${prefix}/name"]`, 'removed'));
  });
});

it('accepts a state that turned out to be right', async () => {
  const object = configMap(namespace, 'accepted', { a: '1' });
  await apply(object);
  const edited = await client.patch(
    configMaps,
    { namespace, name: 'accepted' },
    { data: { a: '2' } },
    { type: 'merge' },
  );
  const id = objectIdOf(edited);
  expect(state.isDrifted(edited, id)).toBe(true);
  state.accept(edited, id);
  expect(state.isDrifted(edited, id)).toBe(false);
});
