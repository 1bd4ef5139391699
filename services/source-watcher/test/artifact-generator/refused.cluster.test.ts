import { bucketKind, type ExternalArtifact, type KindDefinition } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { conditionOf, testNamespace, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  contentOf,
  externalArtifacts,
  generators,
  oneOf,
  type Spec,
  startWatcherBed,
  type WatcherBed,
} from '../watcher-bed.ts';

let bed: WatcherBed;
beforeAll(async () => {
  bed = await startWatcherBed();
  await bed.publish({ revision: 'main@sha1:1', files: { 'a.yaml': 'a: 1\n' } });
});
afterAll(() => bed?.stop());

const messageOf = (object: Parameters<typeof conditionOf>[0]) =>
  conditionOf(object, 'Ready')?.message ?? '';

test('a source that is missing is waited for', async () => {
  await bed.create('missing', {
    sources: [{ alias: 'repo', kind: 'OCIRepository', name: 'late' }],
    artifacts: [{ name: 'missing-out', copy: [{ from: '@repo/**', to: '@artifact/' }] }],
  });
  const object = await bed.failed('missing', 'SourceFetchFailed');
  expect(messageOf(object)).toContain(
    `source 'OCIRepository/${bed.namespace}/late' of spec.sources[0] not found`,
  );
  const files = { x: 'x' };
  await bed.publish({ kind: 'OCIRepository', name: 'late', revision: '1', files });
  await bed.ready('missing');
});

test('an artifact that is not what its source says is not unpacked', async () => {
  const artifact = await bed.publish({
    kind: 'Bucket',
    name: 'forged',
    revision: '1',
    files: { x: 'x' },
  });
  const digest = `sha256:${'0'.repeat(64)}`;
  await bed.client.patch(
    resourceOf(bucketKind as KindDefinition),
    { namespace: bed.namespace, name: 'forged' },
    { status: { artifact: { ...artifact, digest } } },
    { type: 'merge', subresource: 'status' },
  );
  await bed.create('forged', {
    sources: [{ alias: 'repo', kind: 'Bucket', name: 'forged' }],
    artifacts: [{ name: 'forged-out', copy: [{ from: '@repo/**', to: '@artifact/' }] }],
  });
  const object = await bed.failed('forged', 'SourceFetchFailed');
  expect(messageOf(object)).toContain(digest);
});

test('one artifact that cannot be made does not keep the others from it', async () => {
  const spec = oneOf('partly-good');
  await bed.create('partly', {
    ...spec,
    artifacts: [
      ...spec.artifacts,
      { name: 'partly-bad', copy: [{ from: '@repo/none/**', to: '@artifact/' }] },
    ],
  });
  const object = await bed.failed('partly', 'BuildFailed');
  expect(messageOf(object)).toBe(
    "partly-bad: copy from '@repo/none/**' to '@artifact/': no files match: correct the path, or add them to the source",
  );
  expect(object.status?.inventory?.map(({ name }) => name)).toEqual(['partly-good']);
  expect(await contentOf(await bed.output('partly-good'))).toEqual({ 'a.yaml': 'a: 1\n' });
  await expect(bed.output('partly-bad')).rejects.toThrow('not found');
});

test('an artifact is made by one object; another one takes over when that is gone', async () => {
  await bed.create('first', oneOf('contested'));
  await bed.ready('first');
  const before = await bed.output('contested');
  await bed.create('second', oneOf('contested'));
  const object = await bed.failed('second', 'ReconciliationFailed');
  expect(messageOf(object)).toContain("is made by ArtifactGenerator 'first'");
  expect((await bed.output('contested')).metadata.resourceVersion).toBe(
    before.metadata.resourceVersion,
  );
  await bed.remove('first');
  await bed.ready('second');
  const output = await bed.output('contested');
  expect(output.spec.sourceRef?.name).toBe('second');
  expect(await contentOf(output)).toEqual({ 'a.yaml': 'a: 1\n' });
});

test('labels that no object can have are told', async () => {
  const commonMetadata = { labels: { 'not a label': 'x' } };
  await bed.create('labels', { ...oneOf('labels-out'), commonMetadata });
  const object = await bed.failed('labels', 'ReconciliationFailed');
  expect(messageOf(object)).toContain("ExternalArtifact 'labels-out' cannot be written");
});

describe('sources of other namespaces', () => {
  const spec = (namespace: string) => {
    const [source] = oneOf('foreign-out').sources;
    return { ...oneOf('foreign-out'), sources: source ? [{ ...source, namespace }] : [] };
  };

  test('are used unless that is switched off', async () => {
    const other = await testNamespace(bed.client, 'foreign');
    const object = await bed.create('foreign', spec(bed.namespace), other);
    expect(object.spec.sources[0]?.namespace).toBe(bed.namespace);
    const key = { namespace: other, name: 'foreign-out' };
    const isMade = ({ status }: ExternalArtifact) => status?.artifact !== undefined;
    await until<ExternalArtifact>(bed.client, externalArtifacts, key, isMade);
  });

  test('are refused then', async () => {
    const locked = await startWatcherBed({ extraArgs: ['--no-cross-namespace-refs'] });
    try {
      await locked.create('foreign', spec(bed.namespace));
      const object = await locked.failed('foreign', 'AccessDenied');
      expect(conditionOf(object, 'Stalled')?.status).toBe('True');
      expect(messageOf(object)).toContain('cross-namespace references have been blocked');
    } finally {
      await locked.stop();
    }
  });
});

test('an output that is a source of its own makes nothing grow', async () => {
  const spec = oneOf('own');
  await bed.create('own', {
    ...spec,
    sources: [...spec.sources, { alias: 'own', kind: 'ExternalArtifact', name: 'own' }],
    artifacts: [{ name: 'own', copy: [{ from: '@own/**', to: '@artifact/x/' }] }],
  });
  const object = await bed.failed('own', 'ValidationFailed');
  expect(messageOf(object)).toContain('it would grow for ever');
});

test('an artifact that would hold too much is refused, and not tried again and again', async () => {
  const files = { big: 'x'.repeat(600) };
  const bounded = await startWatcherBed({ extraArgs: ['--artifact-max-size=1000'] });
  try {
    await bounded.publish({ revision: '1', files });
    await bounded.create('big', {
      ...oneOf('big-out'),
      artifacts: [
        {
          name: 'big-out',
          copy: [
            { from: '@repo/big', to: '@artifact/a' },
            { from: '@repo/big', to: '@artifact/b' },
          ],
        },
      ],
    });
    const object = await bounded.failed('big', 'BuildFailed');
    expect(messageOf(object)).toContain('the limit of --artifact-max-size');
    // Less is possible at once.
    await bounded.publish({ revision: '2', files: { big: 'x'.repeat(400) } });
    await bounded.ready('big');
  } finally {
    await bounded.stop();
  }
});

test('an object without spec says so, and can be deleted', async () => {
  await bed.create('bare', undefined as unknown as Spec);
  const object = await bed.failed('bare', 'InvalidSpec');
  expect(messageOf(object)).toContain('spec is missing');
  await bed.remove('bare');
  await untilGone(bed.client, generators, { namespace: bed.namespace, name: 'bare' });
});
