import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, bucketName, bucketStream, connectBus, keepBucket } from '@sluice/shared/bus';
import { testCluster } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download, oneOf, startWatcherBed, type WatcherBed } from '../watcher-bed.ts';

const natsPrefix = `archive-${randomBytes(4).toString('hex')}`;

let bed: WatcherBed;
let bus: Bus;
const stop = new AbortController();
let keeping: Promise<void> | undefined;

beforeAll(async () => {
  const { natsUrl } = await testCluster();
  bus = connectBus({ url: natsUrl, prefix: natsPrefix, name: 't', owns: [], logger: silentLogger });
  bed = await startWatcherBed({ natsPrefix, extraArgs: ['--storage-backend=nats'] });
  await bed.publish({ revision: 'main@sha1:1', files: { 'a.yaml': 'a: 1\n' } });
});

afterAll(async () => {
  await bed?.stop();
  stop.abort();
  await keeping;
  const { manager } = await bus.ready(AbortSignal.timeout(30_000));
  await manager.streams.delete(bucketStream(bucketName(natsPrefix)));
  await bus.close();
});

test('what was composed is archived in NATS, and comes back when the disk is lost', async () => {
  await bed.create('kept', oneOf('kept'));
  const failed = await bed.failed('kept', 'BuildFailed');
  const message = failed.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
  expect(message).toContain(`the bucket '${natsPrefix}-artifacts' of NATS`);
  keeping = keepBucket(bus, { maxBytes: 2 ** 26, replicas: 1 }, stop.signal);
  await bed.ready('kept');
  const { artifact } = (await bed.output('kept')).status ?? {};
  const before = await download(artifact);

  await bed.process.kill();
  await rm(bed.storage, { recursive: true });
  await bed.process.start();

  expect((await download(artifact)).equals(before)).toBe(true);
  await rm(bed.storage, { recursive: true });
  await bed.request('kept');
  expect((await bed.output('kept')).status?.artifact).toEqual(artifact);
  expect((await download(artifact)).equals(before)).toBe(true);
});
