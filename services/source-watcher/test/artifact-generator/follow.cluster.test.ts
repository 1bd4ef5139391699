import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExternalArtifact, generatorLabel, type KubeObject } from '@sluice/shared/api';
import { coreResources } from '@sluice/shared/kube';
import { conditionOf, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  contentOf,
  download,
  externalArtifacts,
  generators,
  oneOf,
  startWatcherBed,
  type WatcherBed,
} from '../watcher-bed.ts';

let bed: WatcherBed;
beforeAll(async () => {
  bed = await startWatcherBed();
  await bed.publish({ revision: 'main@sha1:1', files: { 'a.yaml': 'a: 1\n' } });
});
afterAll(() => bed?.stop());

/** A generator that splits a source of its own in two. */
async function split(name: string) {
  const source = { kind: 'Bucket', name } as const;
  const publish = (revision: string, files: Record<string, string>) =>
    bed.publish({ ...source, revision, files });
  const copy = (dir: string) => [{ from: `@all/${dir}/**`, to: '@artifact/' }];
  await publish('r1', { 'front/a': 'a1', 'back/b': 'b1' });
  await bed.create(name, {
    sources: [{ alias: 'all', ...source }],
    artifacts: [
      { name: `${name}-front`, copy: copy('front') },
      { name: `${name}-back`, copy: copy('back') },
    ],
  });
  await bed.ready(name);
  const outputs = () =>
    Promise.all([bed.output(`${name}-front`), bed.output(`${name}-back`)] as const);
  return { publish, outputs };
}

const annotation = 'source.extensions.fluxcd.io/reconcile';
const versionOf = ({ metadata }: KubeObject) => metadata.resourceVersion;

/** The events about an object, which come a little after its status. */
async function eventsOf(name: string): Promise<string[]> {
  const fieldSelector = `involvedObject.name=${name}`;
  return vi.waitFor(
    async () => {
      const { items } = await bed.client.list<KubeObject & { message: string; reason: string }>(
        coreResources.events,
        { namespace: bed.namespace, fieldSelector },
      );
      const messages = items.filter((e) => e.reason === 'Succeeded').map((e) => e.message);
      if (messages.length === 0) throw new Error(`${name} has no events yet`);
      return messages;
    },
    { timeout: 30_000, interval: 100 },
  );
}

/** Suspends a generator, until the controller knows. */
async function pause(name: string): Promise<void> {
  await bed.patch(name, { metadata: { annotations: { [annotation]: 'Disabled' } } });
  // Of one kind, events come in their order.
  await bed.create(`${name}-beside`, oneOf(`${name}-beside`));
  await bed.ready(`${name}-beside`);
}

describe('a change of a source', () => {
  test('changes the artifacts that it is about, and no others', async () => {
    const { publish, outputs } = await split('change');
    const [front, back] = await outputs();
    await publish('r2', { 'front/a': 'a2', 'back/b': 'b1' });
    const digest = front.status?.artifact?.digest;
    const changed = await bed.whenOutput(
      'change-front',
      ({ status }) => status?.artifact?.digest !== digest,
    );
    expect(await contentOf(changed)).toEqual({ a: 'a2' });
    const { status } = await bed.when(
      'change',
      (object) => object.status?.inventory?.[0]?.digest !== digest,
    );
    expect(status?.inventory?.[0]?.digest).toBe(changed.status?.artifact?.digest);
    expect(versionOf(await bed.output('change-back'))).toBe(versionOf(back));
  });

  test('is told in one event that names what is new', async () => {
    await split('told');
    const messages = await eventsOf('told');
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(`${bed.namespace}/told-front (sha256:`);
    expect(messages[0]).toContain(`${bed.namespace}/told-back (sha256:`);
  });
});

test('a request without a change writes nothing but that it was handled', async () => {
  const { outputs } = await split('request');
  const before = await outputs();
  const { status } = await bed.get('request');
  const handled = await bed.request('request');
  expect((await outputs()).map(versionOf)).toEqual(before.map(versionOf));
  expect({ ...handled.status, lastHandledReconcileAt: undefined }).toEqual({
    ...status,
    lastHandledReconcileAt: undefined,
  });
});

describe('an output', () => {
  test('that is deleted comes back, with the same artifact', async () => {
    const { outputs } = await split('deleted');
    const [front] = await outputs();
    await bed.client.delete(externalArtifacts, front.metadata);
    const again = await bed.whenOutput(
      'deleted-front',
      ({ metadata, status }) =>
        metadata.uid !== front.metadata.uid && status?.artifact !== undefined,
    );
    const { lastUpdateTime: _, metadata: __, ...artifact } = front.status?.artifact ?? {};
    expect(again.status?.artifact).toMatchObject(artifact);
    expect(again.metadata.labels).toEqual(front.metadata.labels);
  });

  test('that is edited is put right', async () => {
    const { outputs } = await split('edited');
    const [front, back] = await outputs();
    const edit = (name: string, patch: object, subresource?: 'status') =>
      bed.client.patch(externalArtifacts, { namespace: bed.namespace, name }, patch, {
        type: 'merge',
        ...(subresource && { subresource }),
      });
    await edit('edited-front', {
      metadata: { labels: { [generatorLabel]: null } },
      spec: { sourceRef: { name: 'other' } },
    });
    const isRight = ({ metadata, spec }: ExternalArtifact) =>
      metadata.labels?.[generatorLabel] !== undefined && spec.sourceRef?.name === 'edited';
    await bed.whenOutput('edited-front', isRight);
    expect((await bed.output('edited-front')).spec).toEqual(front.spec);

    const wrong = { url: 'http://127.0.0.1/evil', digest: `sha256:${'0'.repeat(64)}` };
    await edit('edited-back', { status: { artifact: wrong } }, 'status');
    const { url, digest } = back.status?.artifact ?? {};
    await bed.whenOutput(
      'edited-back',
      ({ status }) => status?.artifact?.url === url && status?.artifact?.digest === digest,
    );
  });

  test('keeps the labels that others have put on it', async () => {
    const { publish, outputs } = await split('shared');
    const [front] = await outputs();
    const patch = { metadata: { labels: { mine: 'x' } } };
    await bed.client.patch(externalArtifacts, front.metadata, patch, { type: 'merge' });
    await publish('r2', { 'front/a': 'a2', 'back/b': 'b1' });
    const digest = front.status?.artifact?.digest;
    const changed = await bed.whenOutput(
      'shared-front',
      ({ status }) => status?.artifact?.digest !== digest,
    );
    expect(changed.metadata.labels).toMatchObject({ mine: 'x' });
  });

  test('that is no longer made goes, with its files', async () => {
    const { outputs } = await split('pruned');
    const [front, back] = await outputs();
    const dirs = () => readdir(join(bed.storage, 'externalartifact', bed.namespace));
    expect(await dirs()).toContain('pruned-front');
    const { spec } = await bed.get('pruned');
    const [, kept] = spec.artifacts;
    const renamed = { ...spec.artifacts[0], name: 'pruned-new' };
    await bed.patch('pruned', { spec: { artifacts: [renamed, kept] } });
    const object = await bed.ready('pruned');
    expect(object.status?.inventory?.map(({ name }) => name)).toEqual([
      'pruned-new',
      'pruned-back',
    ]);
    await untilGone(bed.client, externalArtifacts, front.metadata);
    expect(await dirs()).not.toContain('pruned-front');
    const made = await bed.output('pruned-new');
    expect(made.status?.artifact?.digest).toBe(front.status?.artifact?.digest);
    expect((await bed.output('pruned-back')).status?.artifact).toEqual(back.status?.artifact);
  });

  test('whose file is lost or damaged is made again, the same', async () => {
    const { outputs } = await split('lost');
    const [front, back] = await outputs();
    const fileOf = ({ status }: ExternalArtifact) =>
      join(bed.storage, status?.artifact?.path ?? '');
    const before = await download(front.status?.artifact);
    await rm(fileOf(front));
    await writeFile(fileOf(back), 'damaged');
    await bed.request('lost');
    expect(await download(front.status?.artifact)).toEqual(before);
    expect(await contentOf(back)).toEqual({ b: 'b1' });
    expect((await outputs()).map(versionOf)).toEqual([front, back].map(versionOf));
  });
});

test('an object that is deleted takes with it what it has made, and nothing else', async () => {
  const { outputs } = await split('gone');
  const [front, back] = await outputs();
  expect((await bed.get('gone')).metadata.finalizers).toEqual([
    'source.extensions.fluxcd.io/finalizer',
  ]);
  // It is somebody else's by now.
  const patch = { metadata: { labels: { [generatorLabel]: 'other' } } };
  await pause('gone');
  await bed.client.patch(externalArtifacts, back.metadata, patch, { type: 'merge' });
  await bed.remove('gone');
  await untilGone(bed.client, externalArtifacts, front.metadata);
  await untilGone(bed.client, generators, { namespace: bed.namespace, name: 'gone' });
  expect((await bed.output('gone-back')).metadata.uid).toBe(back.metadata.uid);
});

test('an object is left alone while its annotation says so, and goes on at once after it', async () => {
  const { publish, outputs } = await split('paused');
  await pause('paused');
  const [front] = await outputs();
  // Another one of the same source shows that the controller has seen its artifact.
  const other = oneOf('paused-other', { copy: [{ from: '@repo/front/**', to: '@artifact/' }] });
  const sources = [{ alias: 'repo', kind: 'Bucket', name: 'paused' } as const];
  await bed.create('paused-other', { ...other, sources });
  await bed.ready('paused-other');
  const before = await bed.output('paused-other');
  await publish('r2', { 'front/a': 'a2', 'back/b': 'b1' });
  const digest = front.status?.artifact?.digest;
  expect(before.status?.artifact?.digest).toBe(digest);
  await bed.whenOutput('paused-other', ({ status }) => status?.artifact?.digest !== digest);
  expect(versionOf(await bed.output('paused-front'))).toBe(versionOf(front));
  await bed.patch('paused', { metadata: { annotations: { [annotation]: null } } });
  await bed.whenOutput('paused-front', ({ status }) => status?.artifact?.digest !== digest);
});

test('what was made survives a kill, and is made again from the sources when the storage is lost', async () => {
  const { outputs } = await split('restart');
  const before = await outputs();
  const bytes = await download(before[0].status?.artifact);
  await bed.process.kill();
  await bed.process.start();
  await bed.request('restart');
  expect(await download(before[0].status?.artifact)).toEqual(bytes);
  expect((await outputs()).map(versionOf)).toEqual(before.map(versionOf));

  await bed.process.kill();
  await rm(bed.storage, { recursive: true });
  await bed.process.start();
  await bed.request('restart');
  expect(await download(before[0].status?.artifact)).toEqual(bytes);
  expect((await outputs()).map(versionOf)).toEqual(before.map(versionOf));
});

test('Ready says how many artifacts there are', async () => {
  await split('count');
  const object = await bed.ready('count');
  expect(conditionOf(object, 'Ready')?.message).toBe('generated 2 artifacts');
});
