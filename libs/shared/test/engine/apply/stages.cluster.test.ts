import { randomBytes } from 'node:crypto';
import type { KubeObject } from '@sluice/shared/api';
import {
  type ApplyOptions,
  applyObjects,
  displayName,
  inventoryOf,
  pruneObjects,
} from '@sluice/shared/engine';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace, until, untilGone } from '@sluice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap, deployment, identity, meta, owned, secret } from '../engine-objects.ts';

let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'stages');
});

async function apply(objects: KubeObject[], extra: Partial<ApplyOptions> = {}) {
  const { changes, failures } = await applyObjects(
    objects.map((object) => owned(object, namespace)),
    {
      client,
      identity,
      concurrency: 4,
      ...extra,
    },
  );
  return {
    actions: Object.fromEntries(changes.map((change) => [displayName(change.id), change.action])),
    failures: failures.map(({ error }) => error.message),
  };
}

function prune(objects: KubeObject[], owner = namespace) {
  return pruneObjects(inventoryOf(objects), {
    client,
    identity,
    owner: { name: owner, namespace: 'flux-system' },
    protection: () => undefined,
    concurrency: 4,
  });
}

function crd(group: string): KubeObject {
  const spec = {
    group,
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { size: { type: 'integer', maximum: 10 } },
                'x-kubernetes-validations': [
                  { rule: 'self.size == oldSelf.size', message: 'size is immutable' },
                ],
              },
            },
          },
        },
      },
    ],
  };
  const metadata = { name: `widgets.${group}` };
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  return { ...definition, metadata, spec } as KubeObject;
}

function widget(group: string, name: string, size: number): KubeObject {
  const object = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: meta(namespace, name) };
  return { ...object, spec: { size } } as KubeObject;
}

describe('stages', () => {
  it('applies a definition, its custom resource, a namespace and what is in it in one run', async () => {
    const group = `g${randomBytes(4).toString('hex')}.example.com`;
    const inner = `${namespace}-inner`;
    const objects: KubeObject[] = [
      configMap(inner, 'settings', { a: '1' }),
      widget(group, 'one', 1),
      crd(group),
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: inner } },
    ];
    const { actions, failures } = await apply(objects);
    expect(failures).toEqual([]);
    expect(new Set(Object.values(actions))).toEqual(new Set(['created']));
    const pruned = await prune(objects);
    expect(pruned.failures).toEqual([]);
    expect(pruned.deleted.map((id) => id.kind)).toEqual([
      ...['Widget', 'ConfigMap'].sort((a, b) => indexOf(pruned, a) - indexOf(pruned, b)),
      ...['Namespace', 'CustomResourceDefinition'].sort(
        (a, b) => indexOf(pruned, a) - indexOf(pruned, b),
      ),
    ]);
    const name = `widgets.${group}`;
    await untilGone(client, coreResources.customResourceDefinitions, { name });
    expect((await prune(objects.slice(1, 3))).skipped.map(({ why }) => why)).toEqual([
      'gone',
      'gone',
    ]);
  });

  it('applies a custom resource again after its definition was deleted and came back', async () => {
    const group = `g${randomBytes(4).toString('hex')}.example.com`;
    const objects = [crd(group), widget(group, 'one', 1)];
    await apply(objects);
    const name = `widgets.${group}`;
    await client.delete(coreResources.customResourceDefinitions, { name });
    await untilGone(client, coreResources.customResourceDefinitions, { name });
    const { actions, failures } = await apply(objects);
    expect(failures).toEqual([]);
    expect(actions[`Widget/${namespace}/one`]).toBe('created');
    await prune(objects);
  });
});

it('applies the kinds of a custom stage before those that are not named', async () => {
  const names = Array.from({ length: 8 }, (_, i) => `staged-${i}`);
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: meta(namespace, 'staged'),
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'staged' } } },
  };
  const objects = [...names.map((name) => configMap(namespace, name)), budget];
  const labelled = objects.map((object) => owned(object, namespace));
  const customStageKinds = ['policy/PodDisruptionBudget'];
  const { changes } = await applyObjects(labelled, {
    client,
    identity,
    concurrency: 4,
    customStageKinds,
  });
  const versions = changes.map(({ object }) => Number(object.metadata.resourceVersion));
  expect(changes).toHaveLength(9);
  expect(changes[0]?.id.kind).toBe('PodDisruptionBudget');
  expect(versions[0]).toBe(Math.min(...versions));
});

function indexOf(pruned: { deleted: { kind: string }[] }, kind: string): number {
  return pruned.deleted.findIndex((id) => id.kind === kind);
}

it('applies a Pod and the service account that it needs in one run', async () => {
  const name = 'robot';
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta(namespace, name) },
    ...['a', 'b', 'c'].map((pod) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta(namespace, `${name}-${pod}`),
      spec: { serviceAccountName: name, containers: [{ name: 'app', image: 'app:1' }] },
    })),
  ];
  const { actions, failures } = await apply(objects, { concurrency: 8 });
  expect(failures).toEqual([]);
  expect(new Set(Object.values(actions))).toEqual(new Set(['created']));
});

it('stops when aborted', async () => {
  const objects = [configMap(namespace, 'aborted')];
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(apply(objects, { signal })).rejects.toThrow('enough');
});

it('acts as the account of its client', async () => {
  const nobody = client.impersonate({ user: 'nobody' });
  const { failures } = await apply([configMap(namespace, 'denied')], { client: nobody });
  expect(failures[0]).toContain(`ConfigMap/${namespace}/denied apply failed (Forbidden)`);
});

describe('refusals', () => {
  it('reports each refused object and applies the others', async () => {
    const bad = deployment(namespace, 'bad');
    bad.spec.template.metadata.labels.app = 'other';
    const { actions, failures } = await apply([
      configMap(namespace, 'good', { a: '1' }),
      bad,
      configMap(namespace, 'good', { a: '2' }),
      { apiVersion: 'example.com/v9', kind: 'Gadget', metadata: meta(namespace, 'x') },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} } as KubeObject,
      configMap('no-such-namespace', 'lost'),
      configMap('', 'homeless'),
    ]);
    expect(actions).toEqual({ [`ConfigMap/${namespace}/good`]: 'created' });
    const text = failures.join('\n');
    expect(failures).toHaveLength(6);
    expect(text).toContain(`ConfigMap/${namespace}/good is defined more than once`);
    expect(text).toContain('object 5 (ConfigMap/?) has no metadata.name');
    expect(text).toContain(`Deployment/${namespace}/bad apply failed (Invalid)`);
    expect(text).toContain('Gadget in example.com/v9');
    expect(text).toContain('namespaces "no-such-namespace" not found');
    expect(text).toContain('ConfigMap/homeless has no namespace');
  });

  it.each([
    { name: 'a value that is not base64', data: { password: 'not-base64 canary-value' } },
    { name: 'a number', data: { password: 4711_0815 } },
    { name: 'a key that is not allowed', data: { 'pass word': 'Y2FuYXJ5LXZhbHVl' } },
  ])('shows no value of a Secret with $name', async ({ data }) => {
    const { failures } = await apply([{ ...secret(namespace, 'bad', {}), data } as KubeObject]);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain(`Secret/${namespace}/bad`);
    expect(failures[0]).not.toMatch(/canary|Y2FuYXJ5|4711/);
  });
});

describe('immutable fields', () => {
  function withSelector(name: string, value: string, policy?: Record<string, string>) {
    const object = deployment(namespace, name);
    object.metadata = meta(namespace, name, policy);
    object.spec.selector.matchLabels.app = value;
    object.spec.template.metadata.labels.app = value;
    return object;
  }

  it('names the field and the way out, and leaves the object, without force', async () => {
    await apply([withSelector('kept', 'a')]);
    const key = { namespace, name: 'kept' };
    const before = await client.get(coreResources.deployments, key);
    const { failures } = await apply([withSelector('kept', 'b')]);
    expect(failures[0]).toContain('spec.selector cannot be changed on an existing object');
    expect(failures[0]).toContain('spec.force');
    const after = await client.get(coreResources.deployments, key);
    expect(after.metadata.uid).toBe(before.metadata.uid);
  });

  it.each([
    { name: 'spec.force', extra: { force: true }, policy: undefined },
    { name: 'the annotation', extra: {}, policy: { force: 'Enabled' } },
  ])('recreates the object with $name', async ({ extra, policy }) => {
    const name = policy ? 'by-annotation' : 'by-spec';
    await apply([withSelector(name, 'a')]);
    const { actions } = await apply([withSelector(name, 'b', policy)], extra);
    expect(actions).toEqual({ [`Deployment/${namespace}/${name}`]: 'recreated' });
  });

  it('does not delete an object that is invalid in another way, even with force', async () => {
    await apply([withSelector('invalid', 'a')]);
    const bad = withSelector('invalid', 'b');
    bad.spec.template.metadata.labels.app = 'c';
    const { failures } = await apply([bad], { force: true });
    expect(failures).toHaveLength(1);
    await client.get(coreResources.deployments, { namespace, name: 'invalid' });
  });

  it('names an object that does not go away in time', async () => {
    const held = withSelector('stuck', 'a');
    await apply([held]);
    const key = { namespace, name: 'stuck' };
    const merge = { type: 'merge', fieldManager: 'other' } as const;
    const hold = { metadata: { finalizers: ['example.com/hold'] } };
    await client.patch(coreResources.deployments, key, hold, merge);
    const extra = { force: true, establishTimeoutMs: 100 };
    const { failures } = await apply([withSelector('stuck', 'b')], extra);
    expect(failures).toEqual([
      `Deployment/${namespace}/stuck apply failed: timed out after 100 ms waiting for it to be deleted`,
    ]);
    await client.patch(coreResources.deployments, key, { metadata: { finalizers: null } }, merge);
  });

  it('waits for the finalizers of an object that it recreates', async () => {
    const held = withSelector('held', 'a');
    await apply([held]);
    const key = { namespace, name: 'held' };
    const merge = { type: 'merge', fieldManager: 'other' } as const;
    await client.patch(
      coreResources.deployments,
      key,
      { metadata: { finalizers: ['example.com/hold'] } },
      merge,
    );
    const recreated = apply([withSelector('held', 'b')], { force: true });
    await until(client, coreResources.deployments, key, (o) => !!o.metadata.deletionTimestamp);
    await client.patch(coreResources.deployments, key, { metadata: { finalizers: null } }, merge);
    expect((await recreated).actions).toEqual({ [`Deployment/${namespace}/held`]: 'recreated' });
  });

  describe('of objects with data', () => {
    const claims = coreResources.persistentVolumeClaims;
    const sets = { ...coreResources.deployments, kind: 'StatefulSet', plural: 'statefulsets' };
    const claimSpec = (storageClassName: string) => ({
      accessModes: ['ReadWriteOnce'],
      storageClassName,
      resources: { requests: { storage: '1Mi' } },
    });
    const claim = (name: string, storageClassName: string) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: meta(namespace, name),
      spec: claimSpec(storageClassName),
    });
    const set = (name: string, classes: string[], policy?: Record<string, string>) => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: meta(namespace, name, policy),
      spec: {
        replicas: 0,
        serviceName: name,
        selector: { matchLabels: { app: name } },
        template: deployment(namespace, name).spec.template,
        volumeClaimTemplates: classes.map((each) => ({
          metadata: { name: 'data' },
          spec: claimSpec(each),
        })),
      },
    });
    const cases = [
      { name: 'claim', resource: claims, from: ['a'], to: ['b'] },
      { name: 'db', resource: sets, from: ['a'], to: ['b'] },
      { name: 'dropped', resource: sets, from: ['a'], to: [] },
    ];

    it.each(cases)('keep $name with force, and say how to have it recreated', async (c) => {
      const { name, resource } = c;
      const objectOf = (classes: string[]) =>
        resource === claims ? claim(name, classes.join()) : set(name, classes);
      const [from, to] = [objectOf(c.from), objectOf(c.to)];
      await apply([from]);
      const { metadata } = await client.get(resource, { namespace, name });
      const { failures } = await apply([to], { force: true });
      expect(failures).toEqual([
        expect.stringMatching(
          /restore the value; force does not recreate it, for its data may go with it: annotate the object with kustomize\.toolkit\.fluxcd\.io\/force: enabled if that is meant$/,
        ),
      ]);
      expect(failures[0]).toContain(
        `${resource.kind}/${namespace}/${name} apply failed (Invalid): `,
      );
      const after = await client.get(resource, { namespace, name });
      expect(after.metadata).toMatchObject({ uid: metadata.uid });
      expect(after.metadata.deletionTimestamp).toBeUndefined();
    });

    it('recreates them when their annotation says so, and a StatefulSet without claims', async () => {
      const policy = { force: 'enabled' };
      await apply([set('asked', ['a']), set('bare', [])]);
      const bare = set('bare', []);
      bare.spec.serviceName = 'other';
      const { actions, failures } = await apply([set('asked', ['b'], policy), bare], {
        force: true,
      });
      expect(failures).toEqual([]);
      expect(actions).toEqual({
        [`StatefulSet/${namespace}/asked`]: 'recreated',
        [`StatefulSet/${namespace}/bare`]: 'recreated',
      });
    });
  });
});
