import { gzipSync } from 'node:zlib';
import {
  type KubeObject,
  type Kustomization,
  kustomizationKind,
  type Snapshot,
  snapshotKind,
} from '@sluice/shared/api';
import { parseJson, sha256Hex } from '@sluice/shared/base';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';
import { cleanSnapshots } from '../../../../src/applier/change/snapshots/clean-snapshots.ts';
import { keepSnapshot } from '../../../../src/applier/change/snapshots/keep-snapshot.ts';
import { readSnapshot } from '../../../../src/applier/change/snapshots/read-snapshot.ts';
import { snapshotNameOf } from '../../../../src/applier/change/snapshots/snapshot-name.ts';

const snapshots = resourceOf(snapshotKind);
const signal = new AbortController().signal;
const digestOf = (text: string) => `sha256:${sha256Hex(text)}`;

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'snapshots');
});

type Target = Kustomization & { kind: 'Kustomization' };

const makeTarget = (name: string) =>
  client.create(resourceOf(kustomizationKind), {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { namespace, name },
    spec: { interval: '10m', prune: true, sourceRef: { kind: 'Bucket', name: 'none' } },
  } as Target);

const configMap = (name: string, data: unknown = {}) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }) as KubeObject;
const secret = (name: string, value: string) =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value } }) as KubeObject;

const keep = (
  target: Target,
  change: { digest: string; objects: KubeObject[]; holdsSecret?: (text: string) => boolean },
) =>
  keepSnapshot(target, { revision: 'r1', holdsSecret: () => false, ...change }, { client, signal });

async function kept(target: Target, digest: string, objects: KubeObject[]) {
  const result = await keep(target, { digest, objects });
  if (result.type !== 'kept') throw new Error(result.why);
  return { digest, contentDigest: result.contentDigest };
}

const get = (target: Target, digest: string) =>
  client.get<Snapshot>(snapshots, { namespace, name: snapshotNameOf(target, digest) });

/** Replaces fields of a Snapshot, as somebody with the right to do so may. */
async function alter(target: Target, digest: string, spec: Partial<Snapshot['spec']>) {
  const name = snapshotNameOf(target, digest);
  await client.patch(snapshots, { namespace, name }, { spec }, { type: 'merge' });
}

const read = (target: Target, reference: { digest: string; contentDigest: string }) =>
  readSnapshot(target, reference, { client, signal });

test('what is kept is read again as it was, integers beyond 2^53 with all their digits', async () => {
  const target = await makeTarget('same');
  const objects = parseJson(
    '[{"apiVersion":"example.com/v1","kind":"Big","metadata":{"name":"big"},"spec":{"n":9007199254740993}}]',
  ) as KubeObject[];
  const reference = await kept(target, digestOf('same'), objects);
  const found = await read(target, reference);
  expect(found).toMatchObject({ type: 'read', leftOut: [] });
  expect(JSON.stringify(found)).toContain('"n":9007199254740993}');
  const { metadata, spec } = await get(target, reference.digest);
  expect(metadata.ownerReferences).toEqual([
    {
      apiVersion: target.apiVersion,
      kind: 'Kustomization',
      name: 'same',
      uid: target.metadata.uid,
    },
  ]);
  expect(spec).toMatchObject({
    targetRef: { kind: 'Kustomization', name: 'same' },
    revision: 'r1',
    objects: 1,
  });
});

test('neither Secrets nor objects with secret texts are kept, and how many is said', async () => {
  const target = await makeTarget('secret');
  const objects = [
    configMap('plain', { key: 'plain' }),
    secret('password', 'hunter2-in-a-secret'),
    configMap('decrypted', { key: 'hunter2-in-a-file' }),
  ];
  const digest = digestOf('secret');
  const holdsSecret = (text: string) => text.includes('hunter2');
  expect(await keep(target, { digest, objects, holdsSecret })).toMatchObject({
    type: 'kept',
    leftOut: 2,
  });
  const snapshot = await get(target, digest);
  expect(snapshot.spec).toMatchObject({ objects: 1, leftOut: 2 });
  const { contentDigest } = snapshot.spec;
  const found = await read(target, { digest, contentDigest });
  expect(found).toEqual({
    type: 'read',
    objects: [objects[0]],
    leftOut: [
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'password' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'decrypted' } },
    ],
  });
});

test('a Snapshot of the same objects is left, and one that was altered or is of other objects is replaced', async () => {
  const target = await makeTarget('again');
  const digest = digestOf('again');
  const objects = [configMap('a', { key: '1' })];
  await kept(target, digest, objects);
  const first = await get(target, digest);
  await kept(target, digest, objects);
  expect((await get(target, digest)).metadata.resourceVersion).toBe(first.metadata.resourceVersion);

  await alter(target, digest, { content: 'AAAA' });
  await kept(target, digest, objects);
  const repaired = await get(target, digest);
  expect(repaired.metadata.uid).not.toBe(first.metadata.uid);
  expect(repaired.spec).toEqual(first.spec);

  const reference = await kept(target, digest, [configMap('a', { key: '2' })]);
  expect(await read(target, reference)).toMatchObject({ objects: [{ data: { key: '2' } }] });
});

test('a Snapshot of a target that was created anew belongs to the new one', async () => {
  const former = await makeTarget('anew');
  const digest = digestOf('anew');
  const objects = [configMap('a')];
  await kept(former, digest, objects);
  await client.delete(resourceOf(kustomizationKind), former.metadata);
  const target = await makeTarget('anew');
  await kept(target, digest, objects);
  const { metadata } = await get(target, digest);
  expect(metadata.ownerReferences?.[0]?.uid).toBe(target.metadata.uid);
});

const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024 + 1, ' ')).toString('base64');

test.each<[string, Partial<Snapshot['spec']>, RegExp]>([
  ['another content', { content: gzipSync('[]').toString('base64') }, /somebody has altered it/],
  ['no gzip', { content: 'no gzip' }, /its content is no gzip/],
  ['a bomb', { content: bomb }, /its content is more than 67108864 bytes/],
  ['another target', { targetRef: { kind: 'HelmRelease', name: 'x' } }, /HelmRelease 'x'/],
  ['another change', { digest: digestOf('another') }, /spec.digest is that of another change/],
  [
    'content with its digest',
    { content: gzipSync('[]').toString('base64'), contentDigest: digestOf('[]') },
    /spec.contentDigest is not the one in the status/,
  ],
])('a Snapshot that was altered is not used: %s', async (name, spec, why) => {
  const target = await makeTarget(name.replaceAll(' ', '-'));
  const reference = await kept(target, digestOf(name), [configMap('a')]);
  await alter(target, reference.digest, spec);
  expect(await read(target, reference)).toMatchObject({
    type: 'unusable',
    why: expect.stringMatching(why),
  });
});

test('a Snapshot that is gone is said to be', async () => {
  const target = await makeTarget('gone');
  const reference = { digest: digestOf('gone'), contentDigest: digestOf('') };
  expect(await read(target, reference)).toMatchObject({
    type: 'unusable',
    why: expect.stringMatching(/does not exist/),
  });
});

test.each([
  ['the longest', 'a'.repeat(253)],
  ['one with a dot where it is cut', `${'a'.repeat(179)}.${'b'.repeat(20)}`],
])('a target of any name has Snapshots: %s', async (_, name) => {
  const target = await makeTarget(name);
  const reference = await kept(target, digestOf('long'), [configMap('a')]);
  expect(await read(target, reference)).toMatchObject({ type: 'read' });
});

test('the Snapshots of a target that nothing refers to are removed, and those of others are left', async () => {
  const [target, other] = [await makeTarget('cleaned'), await makeTarget('cleaned-not')];
  const references = [];
  for (const text of ['1', '2', '3'])
    references.push(await kept(target, digestOf(text), [configMap(text)]));
  const theirs = await kept(other, digestOf('1'), [configMap('1')]);
  await cleanSnapshots(target, [digestOf('2')], { client, signal });
  const left = [];
  for (const each of references) left.push((await read(target, each)).type);
  expect(left).toEqual(['unusable', 'read', 'unusable']);
  expect(await read(other, theirs)).toMatchObject({ type: 'read' });
});
