import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitRepositoryKind } from '@sluice/shared/api';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { type GitRepository, type GitServer, startGitServer, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

let bed: SourceBed;
let server: GitServer;
let repo: GitRepository;
const main = { branch: 'main' };
const url = () => server.url('app');

beforeAll(async () => {
  [bed, server] = await Promise.all([
    startSourceBed({ extraArgs: ['--artifact-retention-ttl=1ms'] }),
    startGitServer(),
  ]);
  repo = await server.createRepo('app', {
    'apps/a.yaml': 'a: 1\n',
    'apps/secret.txt': 'x',
    'infra/b.yaml': 'b: 1\n',
    'docs/readme.md': '# docs',
  });
});

afterAll(async () => {
  await bed?.stop();
  await server?.stop();
});

describe('content of a GitRepository', () => {
  it('leaves out what spec.ignore says, and is made again when that changes', async () => {
    const object = await bed.createGit('ignore', { url: url(), ref: main, ignore: '/*\n!/apps\n' });
    const ready = await bed.ready(object);
    expect(Object.keys(await filesOf(ready.status?.artifact))).toEqual([
      'apps/a.yaml',
      'apps/secret.txt',
    ]);

    const ignore = '/*\n!/apps\n*.txt\n';
    await bed.patchSpec(object, { ignore });
    const changed = await bed.until(object, (o) => o.status?.observedIgnore === ignore);
    expect(Object.keys(await filesOf(changed.status?.artifact))).toEqual(['apps/a.yaml']);
    expect(changed.status?.artifact?.revision).toBe(ready.status?.artifact?.revision);
    expect(changed.status?.artifact?.digest).not.toBe(ready.status?.artifact?.digest);
  });

  it('leaves out what .sourceignore files say', async () => {
    await server.createRepo('sourceignore', {
      '.sourceignore': '*.md\n',
      'a/.sourceignore': '/skip.yaml\n',
      'a/skip.yaml': 'x',
      'a/keep.yaml': 'x',
      'skip.yaml': 'x',
      'README.md': 'x',
    });
    const object = await bed.createGit('sourceignore', {
      url: server.url('sourceignore'),
      ref: main,
    });
    const { artifact } = (await bed.ready(object)).status ?? {};
    expect(Object.keys(await filesOf(artifact))).toEqual([
      '.sourceignore',
      'a/.sourceignore',
      'a/keep.yaml',
      'skip.yaml',
    ]);
  });

  it('has only the directories of spec.sparseCheckout; a missing one is an error', async () => {
    const sparseCheckout = ['./apps', 'docs/'];
    const object = await bed.createGit('sparse', { url: url(), ref: main, sparseCheckout });
    const ready = await bed.ready(object);
    expect(ready.status?.observedSparseCheckout).toEqual(sparseCheckout);
    expect(Object.keys(await filesOf(ready.status?.artifact))).toEqual([
      'apps/a.yaml',
      'apps/secret.txt',
      'docs/readme.md',
    ]);

    await bed.patchSpec(object, { sparseCheckout: ['none'] });
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain("'none' does not exist");

    await bed.patchSpec(object, { sparseCheckout: ['../sibling'] });
    await bed.failed(object, 'IllegalPath');
  });

  it('includes another one, waits for it and follows it', async () => {
    const other = await server.createRepo('included', {
      'deploy/x.yaml': 'x: 1\n',
      'other/y.yaml': 'y',
    });
    const include = [{ repository: { name: 'included' }, fromPath: 'deploy', toPath: 'base/x' }];
    const object = await bed.createGit('including', { url: url(), ref: main, include });
    const waiting = await bed.failed(object, 'NotFound');
    expect(conditionOf(waiting, 'IncludeUnavailable')?.status).toBe('True');

    const source = await bed.createGit('included', { url: server.url('included'), ref: main });
    const ready = await bed.ready(object);
    expect(conditionOf(ready, 'IncludeUnavailable')).toBeUndefined();
    expect(await filesOf(ready.status?.artifact)).toMatchObject({
      'apps/a.yaml': 'a: 1\n',
      'base/x/x.yaml': 'x: 1\n',
    });

    const sha = await other.commit({ files: { 'deploy/x.yaml': 'x: 2\n' } });
    await bed.request(source);
    const followed = await bed.until(
      object,
      (o) => o.status?.includedArtifacts?.[0]?.revision === `main@sha1:${sha}`,
    );
    expect(await filesOf(followed.status?.artifact)).toMatchObject({ 'base/x/x.yaml': 'x: 2\n' });
    expect(followed.status?.artifact?.revision).toBe(ready.status?.artifact?.revision);
  });
});

describe('a GitRepository', () => {
  it('is not fetched while its reference stays: a poll is one request', async () => {
    const object = await bed.createGit('quiet', { url: url(), ref: main });
    const ready = await bed.ready(object);
    server.requests.length = 0;

    const polled = await bed.request(object);

    // A fetch would need a second one.
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /app.git/git-upload-pack',
    ]);
    expect(polled.status?.artifact).toEqual(ready.status?.artifact);
  });

  it('of which a limit was exceeded is not fetched again before its content or its spec is another', async () => {
    const tooMany = 'x.md\n'.repeat(5001);
    const refused = await server.createRepo('refused', { '.sourceignore': tooMany, 'a.yaml': 'a' });
    const object = await bed.createGit('refused', { url: server.url('refused'), ref: main });
    const failed = await bed.failed(object, 'GitOperationFailed');
    const fetched = () =>
      server.requests.filter((o) => o.fetchesPack && o.path.startsWith('/refused.git')).length;
    expect(fetched()).toBe(1);

    const requested = await bed.request(object);
    expect(fetched()).toBe(1);
    for (const type of ['Ready', 'FetchFailed'])
      expect(conditionOf(requested, type)?.message).toBe(conditionOf(failed, type)?.message);

    await bed.patchSpec(object, { ignore: '*.txt' });
    await bed.until(
      object,
      (o) => conditionOf(o, 'Ready')?.observedGeneration === o.metadata.generation,
    );
    expect(fetched()).toBe(2);
    const sha = await refused.commit({ files: { '.sourceignore': 'x.md\n' } });
    await bed.request(object);
    await bed.ready(object, `main@sha1:${sha}`);
  });

  it('stays as it is while suspended', async () => {
    const object = await bed.createGit('suspended', { url: url(), ref: main });
    const ready = await bed.ready(object);
    await bed.patchSpec(object, { suspend: true });
    const next = await repo.commit({ files: { 'apps/a.yaml': 'a: 2\n' } });
    const witness = await bed.createGit('witness', { url: url(), ref: main });
    await bed.ready(witness, `main@sha1:${next}`);
    const still = await bed.until(object, (o) => o.spec.suspend === true);
    expect(still.status?.artifact).toEqual(ready.status?.artifact);

    await bed.patchSpec(object, { suspend: false });
    await bed.ready(object, `main@sha1:${next}`);
  });

  it('keeps no more artifacts than told, and none once it is deleted', async () => {
    const object = await bed.createGit('deleted', { url: url(), ref: main });
    await bed.ready(object);
    for (const value of ['3', '4']) {
      const sha = await repo.commit({ files: { 'apps/a.yaml': `a: ${value}\n` } });
      await bed.request(object);
      await bed.ready(object, `main@sha1:${sha}`);
    }
    await bed.request(object);
    const dir = join(bed.storage, 'gitrepository', bed.namespace, 'deleted');
    expect(await readdir(dir)).toHaveLength(1);

    const resource = resourceOf(gitRepositoryKind);
    await bed.client.delete(resource, object.metadata);
    await untilGone(bed.client, resource, object.metadata);
    expect(existsSync(dir)).toBe(false);
    await expect(bed.client.get(resource, object.metadata)).rejects.toSatisfy(isNotFound);
  });

  it('says that an artifact cannot be stored, and stores it once it can', async () => {
    const parent = join(bed.storage, 'gitrepository', bed.namespace);
    await mkdir(parent, { recursive: true });
    await writeFile(join(parent, 'blocked'), 'a file in the place of the directory');
    const object = await bed.createGit('blocked', { url: url(), ref: main });
    const failed = await bed.failed(object, 'ArchiveOperationFailed');
    expect(conditionOf(failed, 'StorageOperationFailed')).toMatchObject({
      status: 'True',
      reason: 'ArchiveOperationFailed',
    });
    await rm(join(parent, 'blocked'));
    const stored = await bed.ready(object);
    expect(conditionOf(stored, 'StorageOperationFailed')).toBeUndefined();
  });

  it.each([
    {
      name: 'provider',
      spec: { provider: 'azure' as const },
      reason: 'URLInvalid',
      message: /spec\.url is no repository of Azure DevOps/,
    },
    {
      name: 'provider-github',
      spec: { provider: 'github' as const },
      reason: 'InvalidProviderConfiguration',
      message: /spec\.provider 'github' needs a GitHub App in spec\.secretRef/,
    },
    {
      name: 'provider-ssh',
      spec: { provider: 'aws' as const, url: 'ssh://git@example.com/app.git' },
      reason: 'InvalidProviderConfiguration',
      message: /spec\.provider 'aws' logs in over https/,
    },
    {
      name: 'account',
      spec: { provider: 'azure' as const, serviceAccountName: 'me' },
      reason: 'FeatureGateDisabled',
      message: /spec\.serviceAccountName needs the feature gate/,
    },
    {
      name: 'branch-dash',
      spec: { ref: { branch: '--upload-pack=x' } },
      reason: 'InvalidReference',
      message: /spec\.ref\.branch '--upload-pack=x' must not start with a dash/,
    },
    {
      name: 'commit-short',
      spec: { ref: { commit: 'abc123' } },
      reason: 'InvalidReference',
      message: /spec\.ref\.commit 'abc123'/,
    },
    {
      name: 'range',
      spec: { ref: { semver: 'not a range' } },
      reason: 'InvalidReference',
      message: /spec\.ref\.semver.*'not a range'/,
    },
    {
      name: 'url',
      spec: { url: 'http://:80' },
      reason: 'URLInvalid',
      message: /spec\.url is not a valid URL/,
    },
  ])('is stalled by a value it cannot use: $name', async ({ name, spec, reason, message }) => {
    const object = await bed.createGit(`bad-${name}`, { url: url(), ref: main, ...spec });
    const stalled = await bed.failed(object, reason);
    expect(conditionOf(stalled, 'Stalled')).toMatchObject({ status: 'True', reason });
    expect(conditionOf(stalled, 'Ready')?.message).toMatch(message);
    expect(stalled.status?.artifact).toBeUndefined();
  });
});
