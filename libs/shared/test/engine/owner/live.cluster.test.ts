import { randomBytes } from 'node:crypto';
import type { KubeObject } from '@sluice/shared/api';
import {
  computeHealth,
  createLiveObjects,
  type LiveChange,
  type LiveObjects,
} from '@sluice/shared/engine';
import {
  type ApiResource,
  coreResources,
  isForbidden,
  isNotFound,
  type KubeClient,
} from '@sluice/shared/kube';
import { testCluster, testNamespace, until, untilGone } from '@sluice/testing';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { configMap, identity, owned, prefix, secret } from '../engine-objects.ts';

const { configMaps, customResourceDefinitions, secrets } = coreResources;
let client: KubeClient;
let namespace: string;
const opened: LiveObjects[] = [];

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'live');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((live) => live.stop()));
});

function open(as: KubeClient = client): LiveObjects {
  const live = createLiveObjects({
    client: as,
    identity,
    labelSelector: `${prefix}/name=${namespace}`,
  });
  opened.push(live);
  return live;
}

function next(live: LiveObjects, wanted: (change: LiveChange) => boolean): Promise<LiveChange> {
  return new Promise((resolve) => {
    const end = live.onChange((change) => {
      if (!wanted(change)) return;
      end();
      resolve(change);
    });
  });
}

it('holds objects that carry the label, and tells of their changes', async () => {
  await client.create(configMaps, owned(configMap(namespace, 'before', { a: '1' }), namespace));
  await client.create(configMaps, configMap(namespace, 'unlabelled'));
  const live = open();
  const seen: string[] = [];
  live.onChange(({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
  await Promise.all([live.ensure(configMaps), live.ensure(configMaps)]);
  expect(seen).toEqual(['added before']);
  expect(live.get(configMaps, { namespace, name: 'unlabelled' })).toBeUndefined();
  const deleted = next(live, ({ type }) => type === 'deleted');
  await client.create(configMaps, owned(configMap(namespace, 'after'), namespace));
  await client.delete(configMaps, { namespace, name: 'before' });
  await deleted;
  expect(seen).toEqual(['added before', 'added after', 'deleted before']);
  expect(live.list(configMaps).map((object) => object.metadata.name)).toEqual(['after']);
});

it('keeps no value of a Secret', async () => {
  await client.create(secrets, owned(secret(namespace, 'hidden', { key: 'canary' }), namespace));
  const live = open();
  await live.ensure(secrets);
  const held = live.get(secrets, { namespace, name: 'hidden' });
  expect(held).toBeDefined();
  expect(JSON.stringify(held)).not.toMatch(/canary|Y2FuYXJ5/);
});

it('refuses a kind that the account may not list', async () => {
  const live = open(client.impersonate({ user: 'nobody' }));
  await expect(live.ensure(configMaps)).rejects.toSatisfy(isForbidden);
  expect(live.isSynced(configMaps)).toBe(false);
});

it('ends a watch that is released', async () => {
  const live = open();
  await live.ensure(configMaps);
  await live.release(configMaps);
  expect([live.isSynced(configMaps), live.list(configMaps)]).toEqual([false, []]);
});

it('ends the watch of a kind that is removed, and starts it again when the kind is back', async () => {
  const group = `g${randomBytes(4).toString('hex')}.example.com`;
  const gadgets: ApiResource = {
    group,
    version: 'v1',
    kind: 'Gadget',
    plural: 'gadgets',
    namespaced: true,
  };
  const gadget = {
    apiVersion: `${group}/v1`,
    kind: 'Gadget',
    metadata: { namespace, name: 'one' },
  };
  const live = open();
  await expect(live.ensure(gadgets)).rejects.toSatisfy(isNotFound);
  await install(gadgets);
  await client.create<KubeObject>(gadgets, owned(gadget, namespace));
  await live.ensure(gadgets);
  const deleted = next(live, ({ type, resource }) => type === 'deleted' && resource === gadgets);
  await remove(gadgets);
  expect((await deleted).object.metadata.name).toBe('one');
  await install(gadgets);
  await client.create<KubeObject>(gadgets, owned(gadget, namespace));
  const held = () => live.ensure(gadgets).then(() => live.list(gadgets).length);
  await expect.poll(held, { timeout: 15_000 }).toBe(1);
  await remove(gadgets);
});

async function install({ group, plural, kind }: ApiResource): Promise<void> {
  const name = `${plural}.${group}`;
  const schema = { openAPIV3Schema: { type: 'object' } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  await client.create(customResourceDefinitions, definition);
  const isServed = (crd: KubeObject) => computeHealth(crd).status === 'Current';
  await until(client, customResourceDefinitions, { name }, isServed);
}

async function remove({ group, plural }: ApiResource): Promise<void> {
  const name = `${plural}.${group}`;
  await client.delete(customResourceDefinitions, { name });
  await untilGone(client, customResourceDefinitions, { name });
}
