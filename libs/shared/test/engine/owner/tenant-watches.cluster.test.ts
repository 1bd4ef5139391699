import type { KubeObject } from '@sluice/shared/api';
import { createLogger, FakeClock } from '@sluice/shared/base';
import { maxWatchesOfOwner, TenantWatches } from '@sluice/shared/engine';
import {
  type ApiResource,
  coreResources,
  isForbidden,
  type KubeClient,
  serviceAccountIdentity,
} from '@sluice/shared/kube';
import { changeTenant, tenantAccount, testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { configMap, identity, owned, prefix } from '../engine-objects.ts';

const { configMaps, secrets } = coreResources;
const refusal = new Error('the shared watches may not');
const rightsOf = (...verbs: string[]) => [{ apiGroups: [''], resources: ['configmaps'], verbs }];

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'tenant-watches');
  await client.create(configMaps, owned(configMap(namespace, 'one', { k: 'v' }), namespace));
});

/** Makes an account that may do something with ConfigMaps, and a client that acts as it. */
async function account(name: string, ...verbs: string[]): Promise<KubeClient> {
  await tenantAccount(client, { namespace, name }, rightsOf(...verbs));
  return client.impersonate(serviceAccountIdentity(namespace, name));
}

function open(clock = new FakeClock()) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const watches = new TenantWatches({
    labelSelector: `${prefix}/name=${namespace}`,
    identity,
    clock,
    logger: createLogger({ level: 'info', name: 'test', destination }),
  });
  onTestFinished(() => watches.stop());
  const namesOf = (owner: string, as: KubeClient) => {
    const scope = { client: as, resource: configMaps, namespace };
    return watches
      .seen(owner, scope)
      ?.list(configMaps)
      .map(({ metadata }) => metadata.name);
  };
  const ensure = (owner: string, as: KubeClient, resource: ApiResource = configMaps) =>
    watches.ensure(owner, { client: as, resource, namespace }, refusal);
  const isWhole = (owner: string, as: KubeClient) =>
    watches.isWhole(owner, { client: as, resource: configMaps, namespace });
  return { watches, lines, clock, namesOf, ensure, isWhole };
}

/** A client whose watches can be ended, as an API server does that is restarted. */
function interruptible(as: KubeClient) {
  let ends: (() => void)[] = [];
  async function* watch(resource: ApiResource, o: Parameters<KubeClient['watch']>[1]) {
    const end = new AbortController();
    ends.push(() => end.abort(new Error('the server ended the watch')));
    const signal = o.signal ? AbortSignal.any([o.signal, end.signal]) : end.signal;
    yield* as.watch<KubeObject>(resource, { ...o, signal });
  }
  const made = new Proxy(as, {
    get(target, property) {
      if (property === 'watch') return watch;
      const value = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const interrupt = () => {
    for (const end of ends) end();
    ends = [];
  };
  return { client: made, interrupt };
}

test('owners share what the same identity sees, and nobody else sees it', async () => {
  const { watches, namesOf, ensure } = open();
  const [rich, other] = await Promise.all([
    account('rich', 'list', 'watch'),
    account('other', 'list', 'watch'),
  ]);
  await ensure('a', rich);
  await ensure('b', rich);
  expect(watches.size).toBe(1);
  expect(namesOf('a', rich)).toEqual(['one']);
  expect(namesOf('b', rich)).toEqual(['one']);
  expect(namesOf('c', rich)).toBeUndefined();
  expect(namesOf('a', other)).toBeUndefined();
  // An owner that acts as somebody else from now on no longer sees what it saw before.
  watches.keepIdentity('a', other);
  expect(namesOf('a', rich)).toBeUndefined();
  expect(namesOf('b', rich)).toEqual(['one']);
});

test('a watch ends when its last owner has nothing there any more', async () => {
  const { watches, namesOf, ensure } = open();
  const reader = await account('reader', 'list', 'watch');
  await ensure('a', reader);
  await ensure('b', reader);
  const id = { group: '', kind: 'ConfigMap', namespace, name: 'one' };
  watches.keepOnly('a', [id]);
  watches.keepOnly('b', [{ ...id, namespace: 'elsewhere' }]);
  expect([namesOf('a', reader), namesOf('b', reader)]).toEqual([['one'], undefined]);
  watches.release('a');
  expect(watches.size).toBe(0);
});

test('rights that are taken away end a watch, which is said once, and rights given back bring it again', async () => {
  const { watches, lines, clock, namesOf, ensure, isWhole } = open();
  const { client: as, interrupt } = interruptible(await account('changing', 'list', 'watch'));
  const key = { namespace, name: 'changing' };
  const lost: string[] = [];
  watches.onLost((owners) => lost.push(...owners));
  await ensure('a', as);
  expect(isWhole('a', as)).toBe(true);
  await changeTenant(client, key, []);
  const seen = async () => {
    interrupt();
    await clock.advance(1_000);
    return namesOf('a', as);
  };
  await expect.poll(seen, { timeout: 15_000 }).toBeUndefined();
  expect(lost).toEqual(['a']);
  await expect(ensure('a', as)).rejects.toSatisfy(isForbidden);
  await changeTenant(client, key, rightsOf('list', 'watch'));
  const again = async () => {
    await clock.advance(10_000);
    return namesOf('a', as);
  };
  await expect.poll(again, { timeout: 15_000 }).toEqual(['one']);
  // What was deleted meanwhile would not be noticed: the owner has to look at everything once.
  expect(isWhole('a', as)).toBe(false);
  await ensure('a', as);
  expect(isWhole('a', as)).toBe(true);
  expect(lines.filter((line) => line.includes('A kind cannot be watched'))).toHaveLength(1);
});

test('an owner has no more watches than its budget allows, which is said once', async () => {
  const { watches, lines, ensure } = open();
  const reader = await account('many', 'list', 'watch');
  const kinds = Array.from({ length: maxWatchesOfOwner }, (_, index) => ({
    ...configMaps,
    plural: `configmaps${index}`,
  }));
  const answers = await Promise.allSettled(kinds.map((kind) => ensure('a', reader, kind)));
  expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
  await expect(ensure('a', reader)).rejects.toBe(refusal);
  await expect(ensure('a', reader, secrets)).rejects.toBe(refusal);
  expect(watches.size).toBe(maxWatchesOfOwner);
  expect(lines.filter((line) => line.includes('Too many'))).toHaveLength(1);
  await ensure('b', reader);
});
