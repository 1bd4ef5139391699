import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { GitRepository as KubeGitRepository } from '@sluice/shared/api';
import {
  type GitFile,
  type GitRepository,
  type GitServer,
  gitEnvironment,
  makeSshKey,
  type SshGitServer,
  startGitServer,
  startSshGitServer,
  temporaryFolder,
  whyNoSshServer,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const canary = 'canary-91ce';
const login = { username: 'git', password: canary };
const main = { branch: 'main' };
const run = promisify(execFile);

let bed: SourceBed;
/** A server that wants no login, and one that does, for repositories that its name begins with `private`. */
let server: GitServer;
let guarded: GitServer;
let folder: { path: string; remove(): Promise<void> };

beforeAll(async () => {
  [bed, server, guarded, folder] = await Promise.all([
    startSourceBed(),
    startGitServer(),
    startGitServer({ auth: login }),
    temporaryFolder('submodules'),
  ]);
  await bed.createSecret('login', login);
});
afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), server?.stop(), guarded?.stop(), folder?.remove()]);
  expect(log).not.toContain(canary);
});

let made: KubeGitRepository[] = [];

/** Each submodule takes requests, and each request processes, which a busy machine starts slowly. */
async function create(name: string, spec: Partial<KubeGitRepository['spec']>) {
  const object = await bed.createGit(name, { timeout: '5m', ...spec });
  made.push(object);
  return object;
}

// What fails is tried again and again otherwise.
afterEach(async () => {
  await Promise.all(made.map((object) => bed.patchSpec(object, { suspend: true })));
  made = [];
});

interface Submodule {
  path: string;
  url: string;
  commit: string;
  /** More lines of its section. */
  more?: string;
}

/** The files by which a commit has submodules. */
function submodules(...given: Submodule[]): Record<string, GitFile> {
  const sections = given.map(
    ({ path, url, more = '' }) =>
      `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n${more}`,
  );
  const links = given.map(
    ({ path, commit }) => [path, { content: commit, mode: '160000' as const }] as const,
  );
  return { '.gitmodules': sections.join(''), ...Object.fromEntries(links) };
}

type Repositories = Pick<GitServer, 'createRepo'>;

async function repoWith(
  at: Repositories,
  name: string,
  files: Record<string, GitFile>,
): Promise<{ repo: GitRepository; commit: string }> {
  const repo = await at.createRepo(name);
  return { repo, commit: await repo.commit({ files }) };
}

/** What `git clone --recurse-submodules` checks out, without what belongs to Git. */
async function cloned(url: string, env: Record<string, string> = {}) {
  const dir = await mkdtemp(join(folder.path, 'clone-'));
  const args = ['clone', '--quiet', '--recurse-submodules', '--branch', 'main', url, dir];
  await run('git', args, { env: { ...gitEnvironment(), ...env } });
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((path) => !/(^|\/)\.git(modules)?(\/|$)/.test(path))
    .sort();
  const files = paths.map(async (path) => [path, await readFile(join(dir, path), 'utf8')]);
  return Object.fromEntries(await Promise.all(files)) as Record<string, string>;
}

const fetchesOf = (at: GitServer, name: string) =>
  at.requests.filter((request) => request.path.startsWith(`/${name}.git/`)).length;

describe('a GitRepository with submodules', () => {
  it('has the files that git checks out', async () => {
    const deep = await repoWith(server, 'deep', { 'deep.yaml': 'deep: 1\n' });
    const inner = await repoWith(server, 'inner', {
      'inner.yaml': 'inner: 1\n',
      'bin/run': { content: '#!/bin/sh\n', mode: '100755' },
      ...submodules({ path: 'nested/deep', url: '../deep.git', commit: deep.commit }),
    });
    await inner.repo.commit({ files: { 'inner.yaml': 'inner: 2, not pinned\n' } });
    const other = await repoWith(server, 'other', { 'other.yaml': 'other: 1\n' });
    const files = submodules(
      { path: 'vendor/inner', url: '../inner.git', commit: inner.commit },
      { path: 'absolute', url: server.url('other'), commit: other.commit },
      { path: 'left-out', url: '../gone.git', commit: other.commit, more: '\tupdate = none\n' },
      { path: 'twice', url: './../other.git/', commit: other.commit },
    );
    const link = { content: other.commit, mode: '160000' as const };
    const more = '[submodule "no-link"]\n\tpath = no-link\n\turl = ../gone.git\n';
    await repoWith(server, 'app', {
      'a.yaml': 'a: 1\n',
      ...files,
      '.gitmodules': `${String(files['.gitmodules'])}${more}`,
      'no-address': link,
    });
    const url = server.url('app');
    const object = await create('app', { url, ref: main, recurseSubmodules: true });
    const { artifact, observedRecurseSubmodules } = (await bed.ready(object)).status ?? {};
    const found = await filesOf(artifact);
    expect(found).toEqual(await cloned(url));
    expect(Object.keys(found)).toEqual([
      'a.yaml',
      'absolute/other.yaml',
      'twice/other.yaml',
      'vendor/inner/bin/run',
      'vendor/inner/inner.yaml',
      'vendor/inner/nested/deep/deep.yaml',
    ]);
    expect(found['vendor/inner/inner.yaml']).toBe('inner: 1\n');
    expect(observedRecurseSubmodules).toBe(true);
  });

  it('is fetched when it moves, or the field does, and not at a poll in between', async () => {
    const lib = await repoWith(server, 'lib', { 'lib.yaml': 'lib: 1\n' });
    const pin = (commit: string) => submodules({ path: 'lib', url: '../lib.git', commit });
    const { repo } = await repoWith(server, 'moving', { 'a.yaml': 'a', ...pin(lib.commit) });
    const url = server.url('moving');
    const object = await create('moving', { url, ref: main, recurseSubmodules: true });
    const first = await bed.ready(object, `main@sha1:${await repo.resolve('main')}`);

    const next = await lib.repo.commit({ files: { 'lib.yaml': 'lib: 2\n' } });
    server.requests.length = 0;
    const polled = await bed.request(object);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /moving.git/git-upload-pack',
    ]);
    expect(polled.status?.artifact).toEqual(first.status?.artifact);

    const moved = await repo.commit({ files: pin(next) });
    await bed.request(object);
    const { artifact } = (await bed.ready(object, `main@sha1:${moved}`)).status ?? {};
    expect(await filesOf(artifact)).toEqual({ 'a.yaml': 'a', 'lib/lib.yaml': 'lib: 2\n' });

    await bed.patchSpec(object, { recurseSubmodules: false });
    const without = await bed.until(
      object,
      (o) => o.status?.observedRecurseSubmodules === undefined,
    );
    expect(await filesOf(without.status?.artifact)).toEqual({ 'a.yaml': 'a' });
    expect(without.status?.artifact?.revision).toBe(artifact?.revision);
  });

  it('takes part in spec.sparseCheckout, spec.ignore, .sourceignore and spec.include', async () => {
    const used = await repoWith(server, 'used', {
      'charts/web/a.yaml': 'a',
      'charts/web/b.md': 'b',
      'charts/.sourceignore': '*.md\n',
      'docs/c.yaml': 'c',
    });
    const unused = await repoWith(server, 'unused', { 'd.yaml': 'd' });
    await repoWith(server, 'parts', {
      'x.yaml': 'x',
      'deploy/y.yaml': 'y',
      'deploy/z.txt': 'z',
      ...submodules(
        { path: 'vendor/used', url: '../used.git', commit: used.commit },
        { path: 'vendor/unused', url: '../unused.git', commit: unused.commit },
      ),
    });
    await server.createRepo('included', { 'a.yaml': 'included' });
    await bed.ready(await create('included', { url: server.url('included'), ref: main }));
    const object = await create('parts', {
      url: server.url('parts'),
      ref: main,
      recurseSubmodules: true,
      sparseCheckout: ['deploy', 'vendor/used/charts'],
      ignore: '*.txt\n',
      include: [{ repository: { name: 'included' }, toPath: 'vendor/used/charts/web' }],
    });
    expect(await filesOf((await bed.ready(object)).status?.artifact)).toEqual({
      'deploy/y.yaml': 'y',
      'vendor/used/charts/.sourceignore': '*.md\n',
      'vendor/used/charts/web/a.yaml': 'included',
    });
    expect(fetchesOf(server, 'unused')).toBe(0);

    await bed.patchSpec(object, { sparseCheckout: ['vendor/used/none'] });
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain(
      "'vendor/used/none' does not exist",
    );
  });

  it('names a commit that the server does not have', async () => {
    await repoWith(server, 'behind', { 'b.yaml': 'b' });
    const commit = '1'.repeat(40);
    await repoWith(server, 'ahead', submodules({ path: 'lib', url: '../behind.git', commit }));
    const url = server.url('ahead');
    const object = await create('ahead', { url, ref: main, recurseSubmodules: true });
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toMatch(/submodule 'lib'.*1{40}/);
  });
});

describe('credentials of a GitRepository with submodules', () => {
  const spec = (name: string) => ({
    url: guarded.url(name),
    ref: main,
    secretRef: { name: 'login' },
    recurseSubmodules: true,
  });
  const sent = (at: GitServer, name: string) =>
    at.requests
      .filter(({ path }) => path.startsWith(`/${name}.git/`))
      .map(({ headers }) => headers.authorization);

  it('are for submodules on its server, and for no other server', async () => {
    const near = await repoWith(guarded, 'near', { 'near.yaml': 'near' });
    const far = await repoWith(server, 'far', { 'far.yaml': 'far' });
    await repoWith(guarded, 'both', {
      ...submodules(
        { path: 'near', url: guarded.url('near'), commit: near.commit },
        { path: 'far', url: server.url('far'), commit: far.commit },
      ),
    });
    const object = await create('both', spec('both'));
    const { artifact } = (await bed.ready(object)).status ?? {};
    expect(Object.keys(await filesOf(artifact))).toEqual(['far/far.yaml', 'near/near.yaml']);
    expect(new Set(sent(server, 'far'))).toEqual(new Set([undefined]));
  });

  it('are not for its own server when another one leads back there', async () => {
    const secret = await repoWith(guarded, 'secret', { 'secret.yaml': 'secret' });
    const back = await repoWith(server, 'back', {
      ...submodules({ path: 'secret', url: guarded.url('secret'), commit: secret.commit }),
    });
    await repoWith(guarded, 'forth', {
      ...submodules({ path: 'back', url: server.url('back'), commit: back.commit }),
    });
    const object = await create('forth', spec('forth'));
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toMatch(
      /submodule 'back\/secret'.*authentication required; credentials are for the server of spec\.url/,
    );
    expect(new Set(sent(guarded, 'secret'))).toEqual(new Set([undefined]));
  });

  it('may be those of spec.url itself', async () => {
    const near = await repoWith(guarded, 'near-url', { 'near.yaml': 'near' });
    await repoWith(guarded, 'login-in-url', {
      ...submodules(
        { path: 'absolute', url: guarded.url('near-url'), commit: near.commit },
        { path: 'relative', url: '../near-url.git', commit: near.commit },
      ),
    });
    const url = guarded.url('login-in-url').replace('//', `//git:${canary}@`);
    const object = await create('login-in-url', { url, ref: main, recurseSubmodules: true });
    const ready = await bed.ready(object);
    expect(Object.keys(await filesOf(ready.status?.artifact))).toEqual([
      'absolute/near.yaml',
      'relative/near.yaml',
    ]);
  });
});

describe('a hostile repository with submodules', () => {
  const commit = '2'.repeat(40);
  const failing = async (name: string, files: Record<string, GitFile>) => {
    await repoWith(server, name, files);
    const url = server.url(name);
    const object = await create(name, { url, ref: main, recurseSubmodules: true });
    const failed = await bed.failed(object, 'GitOperationFailed', { timeoutMs: 120_000 });
    expect(failed.status?.artifact).toBeUndefined();
    return failed;
  };
  const failure = async (name: string, files: Record<string, GitFile>) =>
    conditionOf(await failing(name, files), 'FetchFailed')?.message ?? '';

  it.each([
    { name: 'file', url: 'file:///etc' },
    { name: 'path', url: '/etc/passwd' },
    { name: 'git', url: 'git://127.0.0.1/a.git' },
    { name: 'helper', url: 'ext::sh -c touch% /tmp/x' },
    { name: 'option', url: '--upload-pack=touch' },
    { name: 'port', url: 'ssh://git:x@127.0.0.1/a.git' },
    { name: 'above', url: '../../../../127.0.0.2/x.git' },
  ])('does not lead to an address that is none of a server: $name', async ({ name, url }) => {
    const message = await failure(`scheme-${name}`, submodules({ path: 'm', url, commit }));
    expect(message).toMatch(/the address of submodule 'm' in \.gitmodules /);
  });

  it('does not lead to an address that is refused', async () => {
    const url = 'http://169.254.169.254/x.git';
    const message = await failure('metadata', submodules({ path: 'm', url, commit }));
    expect(message).toContain("the address of submodule 'm' leads to a refused address");
  });

  it('does not lead to another SSH server', async () => {
    const url = 'git@127.0.0.1:x.git';
    const message = await failure('other-ssh', submodules({ path: 'm', url, commit }));
    expect(message).toContain('is on another SSH server than the repository');
  });

  it.each([
    {
      name: 'names',
      text: '[submodule "../../x"]\npath = m\nurl = ../x.git\n',
      why: 'git refuses',
    },
    {
      name: 'commands',
      text: '[submodule "m"]\npath = m\nurl = x\nupdate = !id\n',
      why: 'none of',
    },
    { name: 'syntax', text: '[submodule "m"\npath = m\n', why: 'in line 1' },
  ])('has no harmful .gitmodules: $name', async ({ name, text, why }) => {
    const link = { content: commit, mode: '160000' as const };
    const message = await failure(`config-${name}`, { '.gitmodules': text, m: link });
    expect(message).toContain(why);
  });

  it('reads no .gitmodules through a link', async () => {
    await repoWith(server, 'linked', {
      'a.yaml': 'a',
      'real.txt': submodules({ path: 'm', url: '../app.git', commit })['.gitmodules'] as string,
      '.gitmodules': { content: 'real.txt', mode: '120000' },
      m: { content: commit, mode: '160000' },
    });
    const url = server.url('linked');
    const object = await create('linked', { url, ref: main, recurseSubmodules: true });
    const { artifact } = (await bed.ready(object)).status ?? {};
    expect(Object.keys(await filesOf(artifact))).toEqual(['a.yaml', 'real.txt']);
  });

  it('does not nest without end', async () => {
    let { commit: below } = await repoWith(server, 'nest-0', { 'end.yaml': 'end' });
    for (let level = 1; level <= 10; level++) {
      const files = submodules({ path: 'n', url: `../nest-${level - 1}.git`, commit: below });
      ({ commit: below } = await repoWith(server, `nest-${level}`, files));
    }
    const message = await failure('nest-11', {
      ...submodules({ path: 'n', url: '../nest-10.git', commit: below }),
    });
    expect(message).toContain('over 10 deep');
  });

  it('has no more than 100 submodules, and is not fetched again for that', async () => {
    const paths = Array.from({ length: 101 }, (_, at) => `m${at}`);
    const many = paths.map((path) => ({ path, url: '../x.git', commit }));
    const failed = await failing('many', submodules(...many));
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain('at most 100');
    await bed.request(failed);
    const fetches = server.requests.filter(
      ({ path, fetchesPack }) => fetchesPack && path.startsWith('/many.git/'),
    );
    expect(fetches).toHaveLength(1);
  });

  it('leads nowhere before its signature is verified', async () => {
    const target = await repoWith(server, 'unsigned-target', { 'a.yaml': 'a' });
    await repoWith(server, 'unsigned', {
      ...submodules({ path: 'm', url: '../unsigned-target.git', commit: target.commit }),
    });
    const key = await makeSshKey(join(folder.path, 'signer'), '-t', 'ed25519');
    await bed.createSecret('signer', { 'a.sshpub': await readFile(`${key}.pub`, 'utf8') });
    const object = await create('unsigned', {
      url: server.url('unsigned'),
      ref: main,
      recurseSubmodules: true,
      verify: { mode: 'HEAD', secretRef: { name: 'signer' } },
    });
    const failed = await bed.failed(object, 'InvalidCommitSignature');
    expect(conditionOf(failed, 'FetchFailed')).toBeUndefined();
    expect(fetchesOf(server, 'unsigned-target')).toBe(0);
  });
});

const reason = whyNoSshServer();
if (reason !== undefined) console.warn(`The tests of SSH are left out: this machine ${reason}`);

describe.skipIf(reason !== undefined)('a GitRepository with submodules over SSH', () => {
  let ssh: SshGitServer;

  beforeAll(async () => {
    ssh = await startSshGitServer();
    const { identity } = ssh;
    await bed.createSecret('ssh', { identity, known_hosts: ssh.knownHosts() });
  });
  afterAll(() => ssh?.stop());

  it('has the files that git checks out, with the key of its Secret', async () => {
    const inner = await repoWith(ssh, 'inner', { 'inner.yaml': 'inner' });
    const open = await repoWith(server, 'open', { 'open.yaml': 'open' });
    const outer = await repoWith(ssh, 'outer', {
      'a.yaml': 'a',
      ...submodules(
        { path: 'relative', url: '../inner.git', commit: inner.commit },
        { path: 'absolute', url: ssh.url('inner'), commit: inner.commit },
        { path: 'public', url: server.url('open'), commit: open.commit },
      ),
    });
    const url = ssh.url('outer');
    const spec = { url, ref: main, secretRef: { name: 'ssh' }, recurseSubmodules: true };
    const object = await create('over-ssh', spec);
    const { artifact } = (await bed.ready(object, `main@sha1:${outer.commit}`)).status ?? {};
    const key = join(folder.path, 'identity');
    const hosts = join(folder.path, 'hosts');
    await Promise.all([
      writeFile(key, ssh.identity, { mode: 0o600 }),
      writeFile(hosts, ssh.knownHosts()),
    ]);
    const command = `ssh -F /dev/null -i ${key} -o UserKnownHostsFile=${hosts}`;
    const files = await filesOf(artifact);
    expect(files).toEqual(await cloned(url, { GIT_SSH_COMMAND: command }));
    expect(Object.keys(files)).toHaveLength(4);
  });

  it('asks a server that hands out no commit by its name for the history of a branch', async () => {
    const { repo } = await repoWith(ssh, 'strict', { 's.yaml': 's: 1\n' });
    await repo.git(['config', 'uploadpack.allowAnySHA1InWant', 'false']);
    const pinned = await repo.commit({ files: { 's.yaml': 's: 2\n' }, branch: 'stable' });
    await repo.commit({ files: { 's.yaml': 's: 3\n' }, branch: 'stable' });
    const pin = (branch: string) => {
      const more = `\tbranch = ${branch}\n`;
      return submodules({ path: 's', url: '../strict.git', commit: pinned, more });
    };
    const { repo: outer } = await repoWith(ssh, 'asking', pin('stable'));
    const url = ssh.url('asking');
    const spec = { url, ref: main, secretRef: { name: 'ssh' }, recurseSubmodules: true };
    const object = await create('asking', spec);
    const { artifact } = (await bed.ready(object)).status ?? {};
    expect(await filesOf(artifact)).toEqual({ 's/s.yaml': 's: 2\n' });

    await outer.commit({ files: pin('main') });
    await bed.request(object);
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toBe(
      `failed to checkout submodule 's': the server does not hand out commit '${pinned}' by its name, and it is not in the history of main: push it to a branch that .gitmodules names`,
    );
    expect(failed.status?.artifact).toEqual(artifact);
  });

  it('gives its key to no other SSH server', async () => {
    const other = await startSshGitServer();
    try {
      const inner = await repoWith(other, 'inner', { 'inner.yaml': 'inner' });
      await repoWith(ssh, 'elsewhere', {
        ...submodules({ path: 'm', url: other.url('inner'), commit: inner.commit }),
      });
      const url = ssh.url('elsewhere');
      const spec = { url, ref: main, secretRef: { name: 'ssh' }, recurseSubmodules: true };
      const failed = await bed.failed(await create('elsewhere', spec), 'GitOperationFailed');
      expect(conditionOf(failed, 'FetchFailed')?.message).toContain('is on another SSH server');
      expect(other.log()).not.toContain('Accepted publickey');
    } finally {
      await other.stop();
    }
  });
});
