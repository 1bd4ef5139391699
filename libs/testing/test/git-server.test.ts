import { execFile } from 'node:child_process';
import { readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type GitServer, startGitServer, temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
let server: GitServer;
let work: Awaited<ReturnType<typeof temporaryFolder>>;
let caFile: string;

beforeAll(async () => {
  server = await startGitServer({ tls: true, auth: { username: 'me', password: 's3cret' } });
  work = await temporaryFolder('git-test');
  caFile = join(work.path, 'ca.pem');
  await writeFile(caFile, server.ca ?? '');
});
afterAll(async () => {
  await server.stop();
  await work.remove();
});

/** A git client with the right CA and, unless told, the right credentials. */
async function git(args: string[], header = basic('me:s3cret')): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    GIT_SSL_CAINFO: caFile,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
  const { stdout } = await run('git', ['-c', `http.extraHeader=${header}`, ...args], { env });
  return stdout;
}

const basic = (userinfo: string) =>
  `Authorization: Basic ${Buffer.from(userinfo).toString('base64')}`;

test('a clone holds the committed files with their modes', async () => {
  const repo = await server.createRepo('files', { 'a/b.txt': 'one', 'gone/c': 'x' });
  const sha = await repo.commit({
    files: {
      'run.sh': { content: '#!/bin/sh', mode: '100755' },
      link: { content: 'a/b.txt', mode: '120000' },
      'sp ace/ü"\\.bin': new Uint8Array([0, 10, 255]),
    },
    remove: ['gone'],
    message: 'Second\n\nwith a body',
    author: { name: 'Someone', email: 'some@one.example', time: 1_700_000_000 },
  });
  const clone = join(work.path, 'files');
  await git(['clone', '--quiet', server.url('files'), clone]);
  expect((await git(['-C', clone, 'rev-parse', 'HEAD'])).trim()).toBe(sha);
  expect(await git(['-C', clone, 'log', '-1', '--format=%an %ae %at %s'])).toBe(
    'Someone some@one.example 1700000000 Second\n',
  );
  expect(await readFile(join(clone, 'a/b.txt'), 'utf8')).toBe('one');
  expect(await readlink(join(clone, 'link'))).toBe('a/b.txt');
  expect((await stat(join(clone, 'run.sh'))).mode & 0o111).not.toBe(0);
  expect(new Uint8Array(await readFile(join(clone, 'sp ace/ü"\\.bin')))).toEqual(
    new Uint8Array([0, 10, 255]),
  );
  await expect(stat(join(clone, 'gone'))).rejects.toThrow('ENOENT');
});

test('branches and tags are set, reverted and deleted', async () => {
  const repo = await server.createRepo('refs', { f: '1' });
  const first = await repo.resolve('main');
  const second = await repo.commit({ files: { f: '2' }, tag: { name: 'v2', message: 'two' } });
  const side = await repo.commit({ files: { g: '3' }, branch: 'side', tag: 'v3' });
  expect(await repo.resolve('side~1')).toBe(second);
  expect(await repo.resolve('v2')).toBe(second);
  expect(await repo.resolve('v3')).toBe(side);
  await repo.revert();
  expect(await repo.git(['show', 'main:f'])).toBe('1');
  expect(await repo.resolve('main~1')).toBe(second);
  await repo.setRef('refs/heads/main', first);
  await repo.deleteRef('refs/tags/v2');
  const listed = await git(['ls-remote', server.url('refs')]);
  expect(listed).toContain(`${first}\trefs/heads/main`);
  expect(listed).not.toContain('v2');
});

test('a push arrives', async () => {
  const repo = await server.createRepo('push', { f: '1' });
  const clone = join(work.path, 'push');
  await git(['clone', '--quiet', server.url('push'), clone]);
  const identity = ['-c', 'user.name=n', '-c', 'user.email=e@x'];
  await git(['-C', clone, ...identity, 'commit', '--quiet', '--allow-empty', '-m', 'pushed']);
  await git(['-C', clone, 'push', '--quiet', 'origin', 'main']);
  expect(await repo.git(['log', '-1', '--format=%s', 'main'])).toBe('pushed\n');
});

test('listing refs fetches no pack, cloning does', async () => {
  await server.createRepo('count', { f: '1' });
  const packs = () => server.requests.filter((request) => request.fetchesPack).length;
  const before = packs();
  // The old protocol lists refs in the answer to the first request.
  await git(['-c', 'protocol.version=0', 'ls-remote', server.url('count')]);
  expect(packs()).toBe(before);
  await git(['ls-remote', server.url('count')]);
  expect(packs()).toBe(before);
  await git(['clone', '--quiet', server.url('count'), join(work.path, 'count')]);
  expect(packs()).toBe(before + 1);
  const old = ['-c', 'protocol.version=0', 'clone', '--quiet'];
  await git([...old, server.url('count'), join(work.path, 'old')]);
  expect(packs()).toBe(before + 2);
});

test('wrong credentials are refused, and a bearer token is accepted when asked for', async () => {
  await server.createRepo('auth', { f: '1' });
  const list = (header: string) => git(['ls-remote', server.url('auth')], header);
  await expect(list(basic('me:wrong'))).rejects.toThrow();
  server.setAuth({ bearerToken: 't0ken' });
  try {
    await expect(list(basic('me:s3cret'))).rejects.toThrow();
    expect(await list('Authorization: Bearer t0ken')).toContain('refs/heads/main');
  } finally {
    server.setAuth({ username: 'me', password: 's3cret' });
  }
});

test('a hook can answer in place of git', async () => {
  await server.createRepo('hook', { f: '1' });
  server.onRequest = async (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  try {
    await expect(git(['ls-remote', server.url('hook')])).rejects.toThrow('503');
  } finally {
    server.onRequest = undefined;
  }
});
