import type { KubeObject } from '@sluice/shared/api';
import {
  type Clock,
  createLogger,
  FakeClock,
  type Logger,
  silentLogger,
} from '@sluice/shared/base';
import { coreResources, type KubeClient, serviceAccountIdentity } from '@sluice/shared/kube';
import { tenantAccount, testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { AwaitedObjects } from '../../src/applier/awaited-objects.ts';

const { configMaps } = coreResources;

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'awaited');
});

const byHand = { type: 'merge', fieldManager: 'somebody' } as const;

const create = (name: string, more: object = {}) =>
  client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name },
    ...more,
  } as KubeObject);
const change = (name: string, value: string) =>
  client.patch(configMaps, { namespace, name }, { data: { value } }, byHand);

/** A client that tells of its lists and watches. */
function telling(as: KubeClient) {
  const lists: string[] = [];
  const watches: { metadataOnly: boolean | undefined; ended: Promise<void> }[] = [];
  const opened = Promise.withResolvers<void>();
  const list: KubeClient['list'] = (resource, o) => {
    lists.push(resource.plural);
    return as.list(resource, o);
  };
  const watch: KubeClient['watch'] = (resource, o) => {
    const ended = Promise.withResolvers<void>();
    o.signal?.addEventListener('abort', () => ended.resolve());
    watches.push({ metadataOnly: o.metadataOnly, ended: ended.promise });
    return as.watch(resource, { ...o, onOpen: () => opened.resolve() });
  };
  const client = new Proxy(as, {
    get(target, property) {
      if (property === 'list') return list;
      if (property === 'watch') return watch;
      const value = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { client, lists, watches, opened: opened.promise };
}

function waiting(as: KubeClient = client, o: { clock?: Clock; logger?: Logger } = {}) {
  const woken: string[] = [];
  let tell = Promise.withResolvers<void>();
  const awaited = new AwaitedObjects({
    client: as,
    logger: silentLogger,
    ...o,
    onChange(waiter) {
      woken.push(waiter);
      tell.resolve();
      tell = Promise.withResolvers<void>();
    },
  });
  onTestFinished(() => awaited.stop());
  const wait = (waiter: string, name: string, version?: string, own?: KubeClient) => {
    const key = { namespace, name };
    awaited.expect(waiter, { resource: configMaps, key, ...(own && { own }) });
    awaited.begin(waiter, version);
  };
  return { awaited, woken, wait, next: () => tell.promise };
}

test('who waits is woken when an object is made, changed and deleted, each once', async () => {
  const { woken, wait, next } = waiting();
  let turn = next();
  wait('a', 'made');
  wait('b', 'never');
  const { metadata } = await create('made');
  await turn;
  expect(woken).toEqual(['a']);

  turn = next();
  wait('a', 'made', metadata.resourceVersion);
  const changed = await change('made', '1');
  await turn;

  turn = next();
  wait('a', 'made', changed.metadata.resourceVersion);
  await client.delete(configMaps, { namespace, name: 'made' });
  await turn;
  expect(woken).toEqual(['a', 'a', 'a']);
});

test('a change between the look and the watch wakes', async () => {
  const { woken, wait, next } = waiting();
  const seen = await create('between');
  await change('between', 'newer');
  const turn = next();
  wait('a', 'between', seen.metadata.resourceVersion);
  await turn;
  expect(woken).toEqual(['a']);
});

test('only metadata are watched, by one watch, only while somebody waits', async () => {
  const told = telling(client);
  const { awaited, wait } = waiting(told.client);
  wait('a', 'x');
  wait('b', 'y');
  await told.opened;
  expect(told.watches.map(({ metadataOnly }) => metadataOnly)).toEqual([true]);
  awaited.settle('a');
  awaited.settle('b');
  await told.watches[0]?.ended;
});

test('an object that changes all the time wakes once a second', async () => {
  const clock = new FakeClock();
  const { woken, wait, next } = waiting(client, { clock });
  const first = await create('restless');
  let turn = next();
  const second = await change('restless', '1');
  wait('a', 'restless', first.metadata.resourceVersion);
  await turn;

  turn = next();
  wait('a', 'restless', second.metadata.resourceVersion);
  wait('other', 'marker');
  await change('restless', '2');
  // What is made after it is seen after it.
  await create('marker');
  await turn;
  expect(woken).toEqual(['a', 'other']);
  turn = next();
  await clock.advance(1_000);
  await turn;
  expect(woken).toEqual(['a', 'other', 'a']);
});

test('where the watch is forbidden, it ends, and nobody is woken', async () => {
  await tenantAccount(client, { namespace, name: 'nobody' }, []);
  const told = telling(client.impersonate(serviceAccountIdentity(namespace, 'nobody')));
  const refused = Promise.withResolvers<void>();
  const destination = {
    write: (line: string) => line.includes('cannot be watched') && refused.resolve(),
  };
  const { woken, wait } = waiting(told.client, {
    logger: createLogger({ level: 'debug', name: 'test', destination }),
  });
  wait('a', 'x');
  await refused.promise;
  wait('a', 'x');
  await create('x');
  expect(woken).toEqual([]);
  expect(told.lists).toEqual(['configmaps']);
  expect(told.watches).toEqual([]);
});

test('where the watch is forbidden, the object alone is watched as who may see it, and wakes no other account', async () => {
  await tenantAccount(client, { namespace, name: 'blind' }, []);
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }];
  await tenantAccount(client, { namespace, name: 'seeing' }, rules);
  const as = (name: string) => client.impersonate(serviceAccountIdentity(namespace, name));
  const told = telling(as('seeing'));
  const { awaited, woken, wait, next } = waiting(as('blind'));
  const turn = next();
  wait('blind', 'alone', undefined, as('blind'));
  wait('seeing', 'alone', undefined, told.client);
  await told.opened;
  await create('other');
  await create('alone');
  await turn;
  expect(woken).toEqual(['seeing']);
  expect(told.watches.map(({ metadataOnly }) => metadataOnly)).toEqual([true]);
  awaited.settle('seeing');
  await told.watches[0]?.ended;
});
