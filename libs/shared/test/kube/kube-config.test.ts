import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@sluice/shared/base';
import { KubeConfigError, type LoadKubeConfigOptions, loadKubeConfig } from '@sluice/shared/kube';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenFileCredentials } from '../../src/kube/credentials.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const canary = 'canary-token';
const pem = (text: string) => Buffer.from(text).toString('base64');

function kubeconfig(cluster: object = {}, user: object = { token: canary }): string {
  return dump({
    'current-context': 'main',
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'apps' } },
      { name: 'other', context: { cluster: 'c2', user: 'u' } },
    ],
    clusters: [
      { name: 'c', cluster: { server: 'https://one:6443/', ...cluster } },
      { name: 'c2', cluster: { server: 'https://two:6443' } },
    ],
    users: [{ name: 'u', user }],
  });
}

function refusal(o: LoadKubeConfigOptions): string {
  try {
    loadKubeConfig(o);
  } catch (error) {
    if (error instanceof KubeConfigError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('kubeconfig', () => {
  test('server, namespace, token and certificates of the current context', async () => {
    const cluster = { 'certificate-authority-data': pem('CA'), 'tls-server-name': 'api' };
    const config = loadKubeConfig({ content: kubeconfig(cluster) });
    expect(config.server).toBe('https://one:6443');
    expect(config.namespace).toBe('apps');
    expect(await config.credentials.headers()).toEqual({ authorization: `Bearer ${canary}` });
    expect(await config.tls()).toEqual({ ca: 'CA', servername: 'api', rejectUnauthorized: true });
  });

  test('another context can be chosen', () => {
    const content = kubeconfig();
    expect(loadKubeConfig({ content, context: 'other' }).server).toBe('https://two:6443');
    expect(refusal({ content, context: 'none' })).toBe(
      'the kubeconfig has no entry none in contexts',
    );
  });

  test('user and password, and whom to act as', async () => {
    const user = { username: 'jane', password: 'x', as: 'joe', 'as-groups': ['team'] };
    const config = loadKubeConfig({ content: kubeconfig({}, user) });
    const basic = `Basic ${Buffer.from('jane:x').toString('base64')}`;
    expect(await config.credentials.headers()).toEqual({ authorization: basic });
    expect(config.impersonate).toEqual({ user: 'joe', groups: ['team'] });
  });

  test('files are read for every connection, relative to the kubeconfig', async () => {
    const path = join(dir, 'config');
    const user = { 'client-certificate': 'cert.pem', 'client-key': 'key.pem', tokenFile: 'token' };
    writeFileSync(path, kubeconfig({}, user));
    for (const name of ['cert.pem', 'key.pem', 'token']) writeFileSync(join(dir, name), name);
    const config = loadKubeConfig({ path });
    expect(await config.tls()).toMatchObject({ cert: 'cert.pem', key: 'key.pem' });
    writeFileSync(join(dir, 'cert.pem'), 'rotated');
    expect(await config.tls()).toMatchObject({ cert: 'rotated' });
    expect(await config.credentials.headers()).toEqual({ authorization: 'Bearer token' });
  });

  test('KUBECONFIG, then the pod, then the home folder', async () => {
    const path = join(dir, 'named');
    writeFileSync(path, kubeconfig());
    const pod = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect(loadKubeConfig({ env: { ...pod, KUBECONFIG: path } }).server).toBe('https://one:6443');
    for (const name of ['token', 'ca.crt', 'namespace']) writeFileSync(join(dir, name), name);
    const inPod = loadKubeConfig({ env: pod, serviceAccountDir: dir });
    expect(inPod.server).toBe('https://[fd00::1]:443');
    expect(inPod.namespace).toBe('namespace');
    expect(await inPod.tls()).toEqual({ ca: 'ca.crt', rejectUnauthorized: true });
    mkdirSync(join(dir, '.kube'));
    writeFileSync(join(dir, '.kube', 'config'), kubeconfig());
    expect(loadKubeConfig({ env: { HOME: dir } }).server).toBe('https://one:6443');
    expect(refusal({ env: { HOME: join(dir, 'empty') } })).toContain('name one with --kubeconfig');
  });
});

describe('what a kubeconfig must not do', () => {
  test.each([
    {
      name: 'credential plugins',
      user: { exec: { command: 'touch' } },
      says: 'users[u].user.exec is refused',
    },
    {
      name: 'auth providers',
      user: { 'auth-provider': { name: 'gcp' } },
      says: 'users[u].user.auth-provider is not',
    },
    {
      name: 'token files',
      user: { tokenFile: '/etc/passwd' },
      says: 'users[u].user.tokenFile names a file',
    },
    {
      name: 'token files, as others spell it',
      user: { 'token-file': '/etc/passwd' },
      says: 'users[u].user.token-file names a file',
    },
    {
      name: 'key files',
      user: { 'client-key': '/etc/key' },
      says: 'put the content into client-key-data',
    },
    {
      name: 'CA files',
      cluster: { 'certificate-authority': '/ca' },
      says: 'clusters[c].cluster.certificate-authority names a file',
    },
    {
      name: 'unverified servers',
      cluster: { 'insecure-skip-tls-verify': true },
      says: '--insecure-kubeconfig-tls',
    },
    {
      name: 'plain HTTP',
      cluster: { server: 'http://one' },
      says: 'clusters[c].cluster.server uses plain http',
    },
    { name: 'other schemes', cluster: { server: 'file:///x' }, says: 'has the scheme file:' },
    { name: 'no URL', cluster: { server: 'one:6443:x' }, says: 'server' },
    {
      name: 'proxies',
      cluster: { 'proxy-url': 'http://p' },
      says: 'clusters[c].cluster.proxy-url is not supported',
    },
  ])('$name', ({ cluster, user, says }) => {
    expect(refusal({ content: kubeconfig(cluster, user) })).toContain(says);
  });

  test('the flags allow what they name', async () => {
    const cluster = { server: 'http://one', 'insecure-skip-tls-verify': true };
    const config = loadKubeConfig({ content: kubeconfig(cluster), insecureTls: true });
    expect((await config.tls()).rejectUnauthorized).toBe(false);
  });

  test('broken YAML is reported with its line and never quoted', () => {
    const message = refusal({ content: `users:\n- token: ${canary}\n  x: [\n` });
    expect(message).toContain('no valid YAML at line');
    expect(message).not.toContain(canary);
    expect(refusal({ content: canary })).toBe('the kubeconfig is no YAML mapping');
  });
});

describe('credential plugins', () => {
  function plugin(name: string, script: string): string {
    const file = join(dir, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return kubeconfig(
      {},
      { exec: { command: file, apiVersion: 'client.authentication.k8s.io/v1' } },
    );
  }
  const load = (content: string) => loadKubeConfig({ content, insecureExec: true }).credentials;

  test('a token is fetched once for all that wait, kept, and fetched anew after a refusal', async () => {
    const counter = join(dir, 'runs');
    const credentials = load(
      plugin(
        'ok',
        `echo "$KUBERNETES_EXEC_INFO" | grep -q ExecCredential || exit 1\necho x >> ${counter}\n` +
          `echo '{"status":{"token":"'$(wc -l < ${counter} | tr -d ' ')'"}}'`,
      ),
    );
    const first = { authorization: 'Bearer 1' };
    expect(await Promise.all([credentials.headers(), credentials.headers()])).toEqual([
      first,
      first,
    ]);
    expect(await credentials.headers()).toEqual(first);
    expect(credentials.refresh()).toBe(true);
    expect(await credentials.headers()).toEqual({ authorization: 'Bearer 2' });
  });

  test('what a plugin printed is not quoted when it is no JSON', async () => {
    const error = await load(plugin('bad', `echo ${canary}`))
      .headers()
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(KubeConfigError);
    expect(error.message).toContain('printed no ExecCredential');
    expect(error.message).not.toContain(canary);
  });

  test('a failing plugin is named', async () => {
    const error = await load(plugin('fails', 'echo no login >&2; exit 1'))
      .headers()
      .catch((thrown) => thrown);
    expect(error.message).toMatch(/users\[\].user.exec: .*fails failed: no login/);
  });
});

test('a token file is read anew after a minute, and after a refusal', async () => {
  const path = join(dir, 'rotating');
  const clock = new FakeClock();
  const credentials = tokenFileCredentials(path, clock);
  const token = async () => (await credentials.headers())['authorization'];
  writeFileSync(path, 'one\n');
  expect(await token()).toBe('Bearer one');
  writeFileSync(path, 'two');
  expect(await token()).toBe('Bearer one');
  await clock.advance(60_000);
  expect(await token()).toBe('Bearer two');
  writeFileSync(path, 'three');
  credentials.refresh();
  expect(await token()).toBe('Bearer three');
  writeFileSync(path, '');
  credentials.refresh();
  await expect(token()).rejects.toThrow('is empty');
});
