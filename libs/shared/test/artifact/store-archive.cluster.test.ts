import { randomBytes } from 'node:crypto';
import { lstat, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { ArtifactStore, serveArtifacts } from '@sluice/shared/artifact';
import { FakeClock, sha256Hex, silentLogger } from '@sluice/shared/base';
import { type Bus, bucketStream, keepBucket, ObjectBucket } from '@sluice/shared/bus';
import { type NatsServer, startNats, temporaryFolder } from '@sluice/testing';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { busAt } from '../bus/helpers.ts';
import { describeStorage } from './storage-behaviour.ts';

const owner = { namespace: 'team', name: 'app.one' };
const kind = 'OCIRepository';
const mebibyte = 1024 * 1024;

let nats: NatsServer;
let bus: Bus;
let bucket: ObjectBucket;
let stop: AbortController;
let keeping: Promise<void>;

beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats?.stop());

beforeEach(async () => {
  bus = busAt(nats.url, undefined, []);
  bucket = new ObjectBucket(bus);
  stop = new AbortController();
  keeping = keepBucket(bus, { maxBytes: 16 * mebibyte, replicas: 1 }, stop.signal);
  await expect.poll(() => bucket.list().catch(String)).toEqual([]);
});
afterEach(async () => {
  stop.abort();
  await keeping;
  const { manager } = await bus.ready(AbortSignal.timeout(60_000));
  await manager.streams.delete(bucketStream(bucket.name)).catch(() => undefined);
  await bus.close();
});

describeStorage('that is archived in NATS', () => bucket);

describe('a storage that is archived in NATS', () => {
  const clock = new FakeClock();
  let folder: { path: string; remove(): Promise<void> };
  let store: ArtifactStore;

  const storeAt = (name: string) =>
    new ArtifactStore({
      dir: join(folder.path, name),
      advertisedAddress: 'artifacts.example.',
      retentionTtlMs: 60_000,
      retentionRecords: 2,
      digestAlgorithm: 'sha256',
      archive: bucket,
      clock,
    });

  beforeEach(async () => {
    folder = await temporaryFolder('archive');
    store = storeAt('data');
    await store.archived?.takeStock();
  });
  afterEach(() => folder.remove());

  async function publish(file: string, content: string | Buffer): Promise<Artifact> {
    const place = await store.place(kind, owner, file);
    await writeFile(place.temporary, content);
    const digest = `sha256:${sha256Hex(content)}`;
    return store.commit(place, { revision: 'r', digest, size: content.length });
  }

  const pathOf = (artifact: Artifact, of = store) => join(of.dir, artifact.path);
  const archived = async () => (await bucket.list()).map(({ name }) => name).sort();

  it('brings back what the disk has lost, with its time and the link to it', async () => {
    const content = randomBytes(3 * mebibyte + 17);
    const artifact = await publish('one.tar.gz', content);
    const { mtimeMs } = await lstat(pathOf(artifact));
    await rm(store.dir, { recursive: true });

    expect(await store.ensure(artifact)).toBe(true);

    expect((await readFile(pathOf(artifact))).equals(content)).toBe(true);
    expect((await lstat(pathOf(artifact))).mtimeMs).toBe(mtimeMs);
    const link = join(dirname(pathOf(artifact)), 'latest.tar.gz');
    expect(await readlink(link)).toBe('one.tar.gz');
  });

  it('brings back what is damaged on the disk', async () => {
    const artifact = await publish('one.tar.gz', 'content');
    await writeFile(pathOf(artifact), 'damaged');
    expect(await store.ensure(artifact)).toBe(true);
    expect(await readFile(pathOf(artifact), 'utf8')).toBe('content');
  });

  it('takes nothing that is damaged in the archive, or another artifact', async () => {
    const artifact = await publish('one.tar.gz', randomBytes(mebibyte));
    await rm(store.dir, { recursive: true });
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await store.ensure({ ...artifact, digest })).toBe(false);
    expect(await store.ensure({ ...artifact, digest: 'md5:00' })).toBe(false);
    expect(await store.ensure({ ...artifact, path: '../../secret' })).toBe(false);

    const { manager } = await bus.ready();
    const stream = bucketStream(bucket.name);
    const subject = `$O.${bucket.name}.C.>`;
    const chunk = await manager.direct.getMessage(stream, { seq: 1, next_by_subj: subject });
    await manager.streams.deleteMessage(stream, chunk?.seq ?? 0);
    expect(await store.ensure(artifact)).toBe(false);
    expect(await store.open(artifact.path)).toBeUndefined();
  });

  it('serves, of a replica whose disk is empty, what is archived', async () => {
    const artifact = await publish('one.tar.gz', 'content');
    const other = storeAt('other');
    const server = await serveArtifacts(other, {
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
    });
    const get = (path: string) => request(`http://127.0.0.1:${server.port}/${path}`);
    const [found, none] = [await get(artifact.path), await get(`${artifact.path}x`)];
    expect([found.statusCode, await found.body.text()]).toEqual([200, 'content']);
    expect([none.statusCode, await none.body.text()]).toEqual([404, '']);
    await server.close();
  });

  it('archives what is on the disk alone, such as after the bucket was lost', async () => {
    const artifact = await publish('one.tar.gz', 'content');
    await bucket.remove(artifact.path);
    await store.archived?.takeStock();
    expect(await store.ensure(artifact)).toBe(true);
    expect(await archived()).toEqual([artifact.path]);
  });

  it('keeps of superseded artifacts what the disk keeps, and of a removed object none', async () => {
    await publish('one.tar.gz', '1');
    const two = await publish('two.tar.gz', '2');
    const three = await publish('three.tar.gz', '3');
    await rm(store.dir, { recursive: true });
    expect(await store.ensure(three)).toBe(true);
    await clock.advance(1000);
    expect(await store.garbageCollect(kind, owner, three)).toHaveLength(1);
    expect(await archived()).toHaveLength(2);
    await clock.advance(60_000);
    await store.garbageCollect(kind, owner, three);
    expect(await archived()).toEqual([three.path]);
    expect(await store.ensure(two)).toBe(false);
    await store.remove(kind, owner);
    expect(await archived()).toEqual([]);
  });

  it('removes nothing before the archive was listed', async () => {
    const artifact = await publish('one.tar.gz', 'content');
    const other = storeAt('other');
    await other.garbageCollect(kind, owner, { path: 'x/y/z/other.tar.gz' });
    await other.remove(kind, owner);
    expect(await archived()).toEqual([artifact.path]);
  });

  it('stores nothing that is not archived, and leaves what was there', async () => {
    const artifact = await publish('one.tar.gz', 'content');
    const tooMuch = randomBytes(17 * mebibyte);
    await expect(publish('one.tar.gz', tooMuch)).rejects.toThrow('--nats-artifacts-max-size');
    expect(await store.verify(artifact)).toBe(true);
    // What had come of it is gone again.
    await publish('two.tar.gz', randomBytes(12 * mebibyte));
    expect(await archived()).toHaveLength(2);
  });

  it('serves what is on the disk while NATS is away, and says what it is that fails', async () => {
    const artifact = await publish('one.tar.gz', 'content');
    await nats.kill();
    await expect.poll(() => bus.status().ready).toBe(false);

    expect(await store.ensure(artifact)).toBe(true);
    await expect(publish('two.tar.gz', '2')).rejects.toThrow('NATS is not ready');
    await rm(pathOf(artifact));
    await expect(store.ensure(artifact)).rejects.toThrow('NATS is not ready');

    await nats.restart();
    await expect.poll(() => store.ensure(artifact).catch(String)).toBe(true);
  });

  it('says who makes a bucket that is not there', async () => {
    stop.abort();
    await keeping;
    const { manager } = await bus.ready();
    await manager.streams.delete(bucketStream(bucket.name));
    await expect(publish('one.tar.gz', '1')).rejects.toThrow('notification-controller makes it');
  });

  it('removes what an interrupted write has left, once no write can still be under way', async () => {
    const { jetstream } = await bus.ready();
    await jetstream.publish(`$O.${bucket.name}.C.abandoned`, 'piece');
    const artifact = await publish('one.tar.gz', 'content');
    const pieces = async () => {
      const { manager } = await bus.ready();
      const filter = { subjects_filter: `$O.${bucket.name}.C.>` };
      const { state } = await manager.streams.info(bucketStream(bucket.name), filter);
      return Object.keys(state.subjects ?? {}).length;
    };
    await bucket.list();
    expect(await pieces()).toBe(2);
    const later = new FakeClock(Date.now() + 2 * 3_600_000);
    await new ObjectBucket(bus, later).list();
    expect(await pieces()).toBe(1);
    await rm(store.dir, { recursive: true });
    expect(await store.ensure(artifact)).toBe(true);
  });
});
