import { systemClock } from '@sluice/shared/base';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Release, ReleaseStatus } from '../../src/release/release.ts';
import {
  createReleaseCache,
  openReleaseStorage,
  ReleaseChangedError,
  ReleaseExistsError,
  ReleaseGoneError,
  type ReleaseStorage,
} from '../../src/release/storage.ts';
import { aRelease } from './releases.ts';

let client: KubeClient;
let namespace: string;
let storage: ReleaseStorage;
/** Methods that read, in the order in which the storage called them. */
let reads: string[];

/** Passes everything on, and notes what is read. */
function observed(real: KubeClient): KubeClient {
  return new Proxy(real, {
    get(target, property: keyof KubeClient) {
      const value = target[property];
      if (typeof value !== 'function') return value;
      if (property === 'get' || property === 'list') {
        return (...args: [unknown, { metadataOnly?: boolean }?]) => {
          reads.push(property);
          return Reflect.apply(value, target, args);
        };
      }
      return value.bind(target);
    },
  });
}

beforeEach(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'release');
  reads = [];
  const cache = createReleaseCache(10_000_000);
  storage = openReleaseStorage({ client: observed(client), namespace, cache, clock: systemClock });
});

function revision(version: number, status: ReleaseStatus = 'superseded'): Release {
  return aRelease({ version, info: { ...aRelease().info, status } });
}

async function store(...statuses: ReleaseStatus[]): Promise<void> {
  for (const [index, status] of statuses.entries()) {
    await storage.create(revision(index + 1, status));
  }
}

async function stored(): Promise<string[]> {
  const revisions = await storage.revisions('web');
  return revisions.map(({ version, status }) => `${version} ${status}`);
}

function secret(version: number): { namespace: string; name: string } {
  return { namespace, name: `sh.helm.release.v1.web.v${version}` };
}

test('what was created is read back, with its labels', async () => {
  const release = aRelease({ labels: { team: 'x' } });
  await storage.create(release);
  expect(await storage.get('web', 1)).toEqual(release);
  expect(await storage.get('web', 2)).toBeUndefined();
  expect(await storage.last('other')).toBeUndefined();
});

test('the Secret is that of Helm', async () => {
  await storage.create(aRelease({ labels: { team: 'x' } }));
  const created = await client.get(coreResources.secrets, secret(1));
  expect(created).toMatchObject({ type: 'helm.sh/release.v1' });
  expect(created.metadata.labels).toEqual({
    name: 'web',
    owner: 'helm',
    status: 'deployed',
    version: '1',
    team: 'x',
    createdAt: expect.stringMatching(/^[0-9]{10}$/),
  });
  await storage.update(aRelease({ labels: { team: 'y' } }));
  const updated = await client.get(coreResources.secrets, secret(1));
  expect(updated.metadata.labels).toEqual({
    name: 'web',
    owner: 'helm',
    status: 'deployed',
    version: '1',
    team: 'y',
    modifiedAt: expect.stringMatching(/^[0-9]{10}$/),
  });
});

test('the last revision is the one of the highest number, the deployed one the newest that is', async () => {
  await store('deployed', 'deployed', 'failed', ...Array<ReleaseStatus>(8).fill('superseded'));
  expect((await storage.last('web'))?.version).toBe(11);
  expect((await storage.deployed('web'))?.version).toBe(2);
  expect((await storage.history('web')).map(({ version }) => version)).toEqual(
    Array.from({ length: 11 }, (_, index) => index + 1),
  );
});

test('an unchanged release costs one request without content', async () => {
  await store('superseded', 'deployed');
  await storage.last('web');
  expect(reads).toEqual(['list']);
  const fresh = openReleaseStorage({
    client: observed(client),
    namespace,
    cache: createReleaseCache(10_000_000),
    clock: systemClock,
  });
  reads = [];
  await fresh.last('web');
  await fresh.last('web');
  expect(reads).toEqual(['list', 'get', 'list']);
});

test('a release that was read may be changed without changing what is read next', async () => {
  await store('deployed');
  const release = await storage.last('web');
  if (release) release.info.status = 'failed';
  expect((await storage.last('web'))?.info.status).toBe('deployed');
});

test('a revision that exists is not overwritten', async () => {
  await store('deployed');
  await expect(storage.create(revision(1, 'failed'))).rejects.toThrow(ReleaseExistsError);
  expect(await stored()).toEqual(['1 deployed']);
});

describe('an update', () => {
  test('of a deleted record fails', async () => {
    await expect(storage.update(revision(1))).rejects.toThrow(ReleaseGoneError);
  });

  test('of a record as it was seen succeeds, and tells how it is now', async () => {
    const created = await storage.create(revision(1, 'pending-install'));
    const updated = await storage.update(revision(1, 'deployed'), created);
    expect(updated).toMatchObject({ version: 1, status: 'deployed', uid: created.uid });
    expect(await storage.revisions('web')).toEqual([updated]);
  });

  test('of a record that somebody wrote since fails', async () => {
    const seen = await storage.create(revision(1, 'pending-install'));
    await storage.update(revision(1, 'failed'));
    const update = storage.update(revision(1, 'deployed'), seen);
    await expect(update).rejects.toThrow(ReleaseChangedError);
    expect(await stored()).toEqual(['1 failed']);
  });
});

test('deleting is done once or twice alike', async () => {
  await store('deployed');
  await storage.delete('web', 1);
  await storage.delete('web', 1);
  expect(await stored()).toEqual([]);
});

describe('pruning', () => {
  test.each<{ name: string; statuses: ReleaseStatus[]; max: number; left: string[] }>([
    {
      name: 'deletes the oldest',
      statuses: ['superseded', 'superseded', 'superseded', 'deployed'],
      max: 2,
      left: ['4 deployed', '3 superseded'],
    },
    {
      name: 'never deletes the deployed one',
      statuses: ['deployed', 'failed', 'failed', 'pending-upgrade'],
      max: 2,
      left: ['4 pending-upgrade', '1 deployed'],
    },
    {
      name: 'never deletes the newest',
      statuses: ['deployed', 'pending-upgrade'],
      max: 1,
      left: ['2 pending-upgrade', '1 deployed'],
    },
    {
      name: 'deletes older deployed ones',
      statuses: ['deployed', 'deployed', 'failed'],
      max: 1,
      left: ['3 failed', '2 deployed'],
    },
    { name: 'of none leaves none', statuses: [], max: 1, left: [] },
    {
      name: 'to 0 deletes nothing',
      statuses: ['superseded', 'deployed'],
      max: 0,
      left: ['2 deployed', '1 superseded'],
    },
  ])('$name', async ({ statuses, max, left }) => {
    await store(...statuses);
    await storage.prune('web', max);
    expect(await stored()).toEqual(left);
  });
});

describe('the writer of a record', () => {
  test('is who wrote the content, not who set a label', async () => {
    await storage.create(revision(1, 'pending-install'));
    const patch = { metadata: { labels: { seen: 'yes' } } };
    await client.patch(coreResources.secrets, secret(1), patch, {
      type: 'merge',
      fieldManager: 'person',
    });
    const [stored] = await storage.revisions('web');
    expect(stored?.writer.manager).toBe('helm-controller');
    expect(Math.abs(Date.parse(stored?.writer.time ?? '') - Date.now())).toBeLessThan(60_000);
  });

  test('is the last one', async () => {
    await storage.create(revision(1, 'pending-install'));
    const content = { data: { release: Buffer.from('x').toString('base64') } };
    await client.patch(coreResources.secrets, secret(1), content, {
      type: 'merge',
      fieldManager: 'person',
    });
    expect(await storage.revisions('web')).toMatchObject([{ writer: { manager: 'person' } }]);
  });
});

test('a record that cannot be read is named, and its content is not', async () => {
  await store('deployed');
  const content = { data: { release: Buffer.from('c2VjcmV0').toString('base64') } };
  await client.patch(coreResources.secrets, secret(1), content, { type: 'merge' });
  const failure = storage.last('web');
  await expect(failure).rejects.toMatchObject({ reason: 'ReleaseUnreadable' });
  await expect(failure).rejects.toThrow(
    `Secret ${namespace}/sh.helm.release.v1.web.v1 holds no release that can be read: it is no JSON; restore it`,
  );
});
