import { randomBytes } from 'node:crypto';
import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitRepository, gitRepositoryKind, type KindDefinition } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, bucketStream, connectBus, keepBucket, ObjectBucket } from '@sluice/shared/bus';
import { resourceOf } from '@sluice/shared/kube';
import {
  type GitServer,
  type HelmServer,
  type Registry,
  startGitServer,
  startHelmServer,
  startRegistry,
  temporaryFolder,
  testCluster,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarGz } from '../archives.ts';
import { conditionOf, download, type SourceBed, startSourceBed } from '../source-bed.ts';

const natsPrefix = `archive-${randomBytes(4).toString('hex')}`;
const hourMs = 3_600_000;
const gitRepositories = resourceOf(gitRepositoryKind as KindDefinition);

let bed: SourceBed;
let git: GitServer;
let registry: Registry;
let helm: HelmServer;
let bus: Bus;
let bucket: ObjectBucket;
let early: GitRepository;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const stop = new AbortController();
let keeping: Promise<void> | undefined;

beforeAll(async () => {
  const { natsUrl } = await testCluster();
  const extraArgs = ['--storage-backend=nats'];
  [bed, git, registry, helm, folder] = await Promise.all([
    startSourceBed({ natsPrefix, extraArgs }),
    startGitServer(),
    startRegistry(),
    startHelmServer(),
    temporaryFolder('archive'),
  ]);
  await git.createRepo('app', { 'a.yaml': 'a: 1\n' });
  const data = tarGz([{ path: './a.yaml', content: 'a: 1\n' }]);
  const mediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';
  await registry.pushArtifact({ repository: 'app', tag: 'latest', layers: [{ mediaType, data }] });
  await helm.publish({ name: 'app', version: '1.0.0' });
  bus = connectBus({ url: natsUrl, prefix: natsPrefix, name: 't', owns: [], logger: silentLogger });
  bucket = new ObjectBucket(bus);
  early = await bed.createGit('early', { url: git.url('app'), ref: { branch: 'main' } });
  early = await bed.failed(early, 'ArchiveOperationFailed');
  keeping = keepBucket(bus, { maxBytes: 2 ** 26, replicas: 1 }, stop.signal);
});

afterAll(async () => {
  await bed?.stop();
  stop.abort();
  await keeping;
  const { manager } = await bus.ready(AbortSignal.timeout(30_000));
  await manager.streams.delete(bucketStream(bucket.name));
  await bus.close();
  await Promise.all([git?.stop(), registry?.stop(), helm?.stop(), folder?.remove()]);
});

async function createAll() {
  const repository = await bed.createHelm('charts', { url: helm.url });
  await bed.ready(repository);
  const sourceRef = { kind: 'HelmRepository' as const, name: 'charts' };
  return Promise.all([
    bed.ready(await bed.createGit('app', { url: git.url('app'), ref: { branch: 'main' } })),
    bed.ready(await bed.createOci('image', { url: `${registry.ociUrl}/app`, insecure: true })),
    bed.ready(repository),
    bed.ready(await bed.createChart('chart', { chart: 'app', sourceRef })),
  ]);
}

/** What was asked of servers for content, and not for whether it is new. */
function fetches(): number {
  const packs = git.requests.filter(({ fetchesPack }) => fetchesPack);
  const blobs = registry.requests.filter(({ path }) => path.includes('/blobs/'));
  const charts = helm.requests.filter(({ path }) => path.endsWith('.tgz'));
  return packs.length + blobs.length + charts.length;
}

describe('artifacts that are archived in NATS', () => {
  it('are not advertised before they are archived, and the condition says why', async () => {
    expect(conditionOf(early, 'StorageOperationFailed')).toMatchObject({
      status: 'True',
      message: expect.stringContaining(`the bucket '${natsPrefix}-artifacts' of NATS`),
    });
    expect(early.status?.artifact).toBeUndefined();
    await bed.ready(early);
  });

  it('come back when the disk is lost, and nothing is fetched again', async () => {
    const objects = await createAll();
    const before = await Promise.all(objects.map(({ status }) => download(status?.artifact)));
    await bed.process.kill();
    await rm(bed.storage, { recursive: true });
    const fetched = fetches();
    expect(fetched).toBeGreaterThanOrEqual(3);
    await bed.process.start();

    // Served at once, and found to be there by those who are responsible for them.
    const served = await Promise.all(objects.map(({ status }) => download(status?.artifact)));
    expect(served.every((content, index) => content.equals(before[index] as Buffer))).toBe(true);
    for (const object of objects) {
      const after = await bed.request(object);
      expect(after.status?.artifact).toEqual(object.status?.artifact);
    }
    expect(fetches()).toBe(fetched);
  });

  it('of objects that are gone go, when no object can be about to come', async () => {
    const file = join(folder.path, 'file');
    await writeFile(file, 'x');
    const young = `gitrepository/${bed.namespace}/young/x.tar.gz`;
    await bucket.put(young, file);
    const old = new Date(Date.now() - hourMs);
    await utimes(file, old, old);
    const gone = `gitrepository/${bed.namespace}/gone/x.tar.gz`;
    // Of source-watcher, which looks after its own.
    const foreign = `externalartifact/${bed.namespace}/gone/x.tar.gz`;
    for (const name of [gone, foreign]) await bucket.put(name, file);
    const kept = await bed.ready(early);

    await bed.process.kill();
    await bed.process.start();

    const names = async () => (await bucket.list()).map(({ name }) => name);
    await expect.poll(names).not.toContain(gone);
    const left = await names();
    expect(left).toEqual(expect.arrayContaining([young, foreign, kept.status?.artifact?.path]));
  });

  it('of a deleted object go with it', async () => {
    const object = await bed.ready(
      await bed.createGit('deleted', { url: git.url('app'), ref: { branch: 'main' } }),
    );
    const names = async () => (await bucket.list()).map(({ name }) => name);
    expect(await names()).toContain(object.status?.artifact?.path);
    await bed.client.delete(gitRepositories, object.metadata);
    await bed.gone(object);
    expect(await names()).not.toContain(object.status?.artifact?.path);
  });
});
