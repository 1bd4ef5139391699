import { createLogger, FakeClock } from '@sluice/shared/base';
import { maxWatchesOfOwner, type NamedObject, NamedWatches } from '@sluice/shared/engine';
import { coreResources, type KubeClient, serviceAccountIdentity } from '@sluice/shared/kube';
import { changeTenant, tenantAccount, testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { configMap } from '../engine-objects.ts';

const { configMaps, secrets } = coreResources;
const rightsOf = (...verbs: string[]) => [{ apiGroups: [''], resources: ['configmaps'], verbs }];

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'named-watches');
});

/** Makes an account that may do something with ConfigMaps, and a client that acts as it. */
async function account(name: string, ...verbs: string[]): Promise<KubeClient> {
  await tenantAccount(client, { namespace, name }, rightsOf(...verbs));
  return client.impersonate(serviceAccountIdentity(namespace, name));
}

const named = (as: KubeClient, name: string): NamedObject => ({
  client: as,
  resource: configMaps,
  key: { namespace, name },
});

function open() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const clock = new FakeClock();
  const logger = createLogger({ level: 'info', name: 'test', destination });
  const watches = new NamedWatches({ logger, clock });
  onTestFinished(() => watches.stop());
  /** What each owner has heard. */
  const heard: string[] = [];
  watches.onNews(({ owners, change }) => {
    const what = change === undefined ? 'look' : `${change.type} ${change.object.metadata.name}`;
    for (const owner of owners) heard.push(`${owner}: ${what}`);
  });
  const untilHeard = (...news: string[]) =>
    vi.waitFor(() => expect(heard).toEqual(news), { timeout: 30_000 });
  return { watches, clock, lines, heard, untilHeard };
}

test('an object is seen from its making to its end, and no other one', async () => {
  const { watches, untilHeard } = open();
  const object = named(client, 'life');
  watches.watch('a', [object]);
  expect(watches.isWatched('a', object)).toBe(true);
  await untilHeard('a: look');
  expect(watches.seen('a', object)).toEqual({ object: undefined });
  await client.create(configMaps, configMap(namespace, 'another', {}));
  await client.create(configMaps, configMap(namespace, 'life', { k: 'v' }));
  await untilHeard('a: look', 'a: added life');
  expect(watches.seen('a', object)?.object).toMatchObject({ data: { k: 'v' } });
  await client.delete(configMaps, object.key);
  await untilHeard('a: look', 'a: added life', 'a: deleted life');
  expect(watches.seen('a', object)).toEqual({ object: undefined });
});

test('owners of one identity share a watch, those of another one do not, and it ends with the last', async () => {
  const { watches, untilHeard } = open();
  await client.create(configMaps, configMap(namespace, 'shared', {}));
  const [own, other] = [
    await account('one', 'list', 'watch'),
    await account('two', 'list', 'watch'),
  ];
  watches.watch('a', [named(own, 'shared')]);
  watches.watch('b', [named(own, 'shared')]);
  await untilHeard('a: added shared', 'b: added shared');
  expect(watches.size).toBe(1);
  expect(watches.seen('c', named(own, 'shared'))).toBeUndefined();
  expect(watches.seen('a', named(other, 'shared'))).toBeUndefined();
  watches.watch('b', [named(other, 'shared')]);
  expect(watches.size).toBe(2);
  expect(watches.seen('b', named(own, 'shared'))).toBeUndefined();
  watches.watch('a', []);
  expect(watches.size).toBe(1);
  watches.watch('b', []);
  expect(watches.size).toBe(0);
});

test('a refusal is told and said once, and tried again a minute later', async () => {
  const { watches, clock, lines, heard, untilHeard } = open();
  await client.create(configMaps, configMap(namespace, 'hidden', {}));
  const object = named(await account('three', 'get'), 'hidden');
  watches.watch('a', [object]);
  await untilHeard('a: look');
  expect(watches.isWatched('a', object)).toBe(false);
  expect(watches.seen('a', object)).toBeUndefined();
  watches.watch('a', [object]);
  expect(watches.isWatched('a', object)).toBe(false);
  await clock.advance(60_000);
  watches.watch('a', [object]);
  await untilHeard('a: look', 'a: look');
  expect(lines.join('').match(/An object cannot be watched/g)).toHaveLength(1);

  await changeTenant(client, { namespace, name: 'three' }, rightsOf('list', 'watch'));
  const allowed = async () => {
    await clock.advance(60_000);
    watches.watch('a', [object]);
    expect(heard.at(-1)).toBe('a: added hidden');
  };
  await vi.waitFor(allowed, { timeout: 30_000, interval: 100 });
  expect(watches.seen('a', object)?.object).toBeDefined();
});

test('the right to one object by its name is enough', async () => {
  const { watches, untilHeard } = open();
  await client.create(configMaps, configMap(namespace, 'alone', {}));
  const rules = rightsOf('list', 'watch').map((rule) => ({ ...rule, resourceNames: ['alone'] }));
  await tenantAccount(client, { namespace, name: 'four' }, rules);
  const object = named(client.impersonate(serviceAccountIdentity(namespace, 'four')), 'alone');
  watches.watch('a', [object]);
  await untilHeard('a: added alone');
});

test('an owner has so many watches, and no more', async () => {
  const { watches } = open();
  const objects = Array.from({ length: maxWatchesOfOwner + 2 }, (_, at) =>
    named(client, `x-${at}`),
  );
  watches.watch('a', objects);
  expect(watches.size).toBe(maxWatchesOfOwner);
  const watched = objects.map((object) => watches.isWatched('a', object));
  expect(watched.filter(Boolean)).toHaveLength(maxWatchesOfOwner);
});

test('values of Secrets are not kept', async () => {
  const { watches, untilHeard } = open();
  const key = { namespace, name: 'kept' };
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: key,
    stringData: { value: 'canary' },
  } as never);
  const object = { client, resource: secrets, key };
  watches.watch('a', [object]);
  await untilHeard('a: added kept');
  const value = Buffer.from('canary').toString('base64');
  expect(JSON.stringify(watches.seen('a', object))).not.toContain(value);
});
