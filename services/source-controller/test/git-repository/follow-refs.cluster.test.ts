import { sha256Hex } from '@sluice/shared/base';
import { type GitRepository, type GitServer, startGitServer } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, download, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

let bed: SourceBed;
let server: GitServer;
let repo: GitRepository;
let first: string;
let second: string;

beforeAll(async () => {
  [bed, server] = await Promise.all([startSourceBed(), startGitServer()]);
  repo = await server.createRepo('refs');
  first = await repo.commit({
    files: {
      'deploy/a.yaml': 'a: 1\n',
      'run.sh': { content: 'echo', mode: '100755' },
      'link.yaml': { content: 'deploy/a.yaml', mode: '120000' },
      'logo.png': 'picture',
      '.gitignore': 'x',
    },
    message: 'First commit\n\nWith a body.',
    tag: { name: 'v1.0.0', message: 'First release' },
  });
  second = await repo.commit({ files: { 'deploy/b.yaml': 'b: 2\n' }, tag: 'v1.1.0-rc.1' });
  await repo.git(['update-ref', 'refs/pull/1/head', first]);
});

afterAll(async () => {
  await bed?.stop();
  await server?.stop();
});

describe('a GitRepository over HTTP', () => {
  it.each([
    { name: 'branch', ref: { branch: 'main' }, revision: () => `main@sha1:${second}` },
    { name: 'annotated-tag', ref: { tag: 'v1.0.0' }, revision: () => `v1.0.0@sha1:${first}` },
    { name: 'semver', ref: { semver: '>=1.0.0' }, revision: () => `v1.0.0@sha1:${first}` },
    {
      name: 'semver-pre',
      ref: { semver: '>=1.0.0-0' },
      revision: () => `v1.1.0-rc.1@sha1:${second}`,
    },
    {
      name: 'name',
      ref: { name: 'refs/pull/1/head' },
      revision: () => `refs/pull/1/head@sha1:${first}`,
    },
    {
      name: 'semver-wins',
      ref: { branch: 'none', tag: 'none', semver: '1.0.x' },
      revision: () => `v1.0.0@sha1:${first}`,
    },
  ])('follows a reference by $name', async ({ name, ref, revision }) => {
    const object = await bed.createGit(name, { url: server.url('refs'), ref });

    const ready = await bed.ready(object);

    expect(ready.status?.artifact?.revision).toBe(revision());
    const message = `stored artifact for revision '${revision()}'`;
    for (const type of ['Ready', 'ArtifactInStorage']) {
      expect(conditionOf(ready, type)).toMatchObject({
        status: 'True',
        reason: 'Succeeded',
        message,
      });
    }
  });

  it('selects the newest of calendar versions, as written', async () => {
    const calendar = await server.createRepo('calendar');
    await calendar.commit({ files: { 'a.yaml': 'a: 1' }, tag: 'v2025.02.03' });
    const newest = await calendar.commit({ files: { 'a.yaml': 'a: 2' }, tag: 'v2025.10.01' });
    const ref = { semver: '>=2025.0.0' };
    const object = await bed.createGit('calendar', { url: server.url('calendar'), ref });

    const ready = await bed.ready(object);

    expect(ready.status?.artifact?.revision).toBe(`v2025.10.01@sha1:${newest}`);
  });

  it('takes a pinned commit, alone and with a branch', async () => {
    const ref = { commit: first };
    const alone = await bed.createGit('commit', { url: server.url('refs'), ref });
    const withBranch = { branch: 'main', commit: first };
    const both = await bed.createGit('commit-branch', { url: server.url('refs'), ref: withBranch });

    expect((await bed.ready(alone)).status?.artifact?.revision).toBe(`sha1:${first}`);
    expect((await bed.ready(both)).status?.artifact?.revision).toBe(`main@sha1:${first}`);
  });

  it('serves the files without links and what is left out by default', async () => {
    const object = await bed.createGit('files', {
      url: server.url('refs'),
      ref: { branch: 'main' },
    });
    const { artifact } = (await bed.ready(object)).status ?? {};

    const archive = await download(artifact);

    expect(artifact?.digest).toBe(`sha256:${sha256Hex(archive)}`);
    expect(artifact?.size).toBe(archive.length);
    expect(artifact?.path).toBe(`gitrepository/${bed.namespace}/files/${second}.tar.gz`);
    expect(await filesOf(artifact)).toEqual({
      'deploy/a.yaml': 'a: 1\n',
      'deploy/b.yaml': 'b: 2\n',
      'run.sh': 'echo',
    });
  });

  it('follows a branch that moves, also backwards, and keeps the artifact when it is deleted', async () => {
    await repo.git(['update-ref', 'refs/heads/moving', second]);
    const spec = { url: server.url('refs'), ref: { branch: 'moving' } };
    const object = await bed.createGit('moving', spec);
    await bed.ready(object, `moving@sha1:${second}`);

    await repo.setRef('refs/heads/moving', first);
    await bed.request(object);
    const back = await bed.ready(object, `moving@sha1:${first}`);
    expect(Object.keys(await filesOf(back.status?.artifact))).not.toContain('deploy/b.yaml');

    await repo.deleteRef('refs/heads/moving');
    await bed.request(object);
    const failed = await bed.failed(object, 'GitOperationFailed');

    expect(conditionOf(failed, 'FetchFailed')?.message).toContain(
      `couldn't find remote ref "refs/heads/moving"`,
    );
    expect(conditionOf(failed, 'ArtifactInStorage')?.status).toBe('True');
    expect(failed.status?.artifact).toEqual(back.status?.artifact);
    expect(Object.keys(await filesOf(failed.status?.artifact))).toContain('deploy/a.yaml');

    await repo.git(['update-ref', 'refs/heads/moving', second]);
    const again = await bed.ready(object, `moving@sha1:${second}`);
    expect(conditionOf(again, 'FetchFailed')).toBeUndefined();
  });
});
