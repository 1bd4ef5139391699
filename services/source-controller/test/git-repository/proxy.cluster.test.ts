import {
  type ConnectProxy,
  type GitServer,
  type SocksProxy,
  type SshGitServer,
  startConnectProxy,
  startGitServer,
  startSocksProxy,
  startSshGitServer,
  whyNoSshServer,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const canary = 'canary-5d07';
const proxyLogin = `user:${canary}`;
const main = { branch: 'main' };

let bed: SourceBed;
let socks: SocksProxy;
let http: ConnectProxy;

beforeAll(async () => {
  [bed, socks, http] = await Promise.all([
    startSourceBed(),
    startSocksProxy({ login: proxyLogin }),
    startConnectProxy(undefined, proxyLogin),
  ]);
  const login = { username: 'user', password: canary };
  await Promise.all([
    bed.createSecret('socks', { address: socks.url, ...login }),
    bed.createSecret('socks-h', { address: socks.url.replace('socks5:', 'socks5h:'), ...login }),
    bed.createSecret('socks-other', { address: socks.url, username: 'user', password: 'other' }),
    bed.createSecret('http', { address: http.url, ...login }),
    bed.createSecret('unknown', { address: 'socks4://127.0.0.1:1080', ...login }),
  ]);
});
afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  socks?.close();
  http?.close();
  await bed?.stop();
  expect(log).not.toContain(canary);
});

describe('a GitRepository through the proxy of its Secret', () => {
  let plain: GitServer;
  let secure: GitServer;

  beforeAll(async () => {
    [plain, secure] = await Promise.all([startGitServer(), startGitServer({ tls: true })]);
    for (const server of [plain, secure]) await server.createRepo('app', { 'a.yaml': 'a: 1\n' });
    await bed.createSecret('ca', { 'ca.crt': secure.ca ?? '' });
  });
  afterAll(() => Promise.all([plain?.stop(), secure?.stop()]));

  it.each(['socks', 'socks-h'])('speaks HTTP by SOCKS5: %s', async (name) => {
    const spec = { url: plain.url('app'), ref: main, proxySecretRef: { name } };
    const { artifact } = (await bed.ready(await bed.createGit(`plain-${name}`, spec))).status ?? {};
    expect(await filesOf(artifact)).toEqual({ 'a.yaml': 'a: 1\n' });
    expect(socks.asked).toContainEqual({ target: `127.0.0.1:${plain.port}`, login: proxyLogin });
  });

  it('speaks HTTPS by SOCKS5, with the authority of its other Secret', async () => {
    const proxySecretRef = { name: 'socks' };
    const spec = { url: secure.url('app'), ref: main, proxySecretRef };
    await bed.failed(await bed.createGit('unknown-ca', spec), 'GitOperationFailed');
    await bed.ready(await bed.createGit('known-ca', { ...spec, secretRef: { name: 'ca' } }));
    expect(socks.asked).toContainEqual({ target: `127.0.0.1:${secure.port}`, login: proxyLogin });
  });

  it('says when the proxy refuses the login, and when it is none', async () => {
    const spec = { url: plain.url('app'), ref: main };
    const other = { ...spec, proxySecretRef: { name: 'socks-other' } };
    const failed = await bed.failed(await bed.createGit('refused', other), 'GitOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(/the proxy: .*Authentication failed/);
    const unknown = { ...spec, proxySecretRef: { name: 'unknown' } };
    const bad = await bed.failed(await bed.createGit('unknown', unknown), 'AuthenticationFailed');
    expect(conditionOf(bad, 'Ready')?.message).toContain('or socks5://<host>:<port>');
  });
});

const reason = whyNoSshServer();
if (reason !== undefined) console.warn(`The tests of SSH are left out: this machine ${reason}`);

describe.skipIf(reason !== undefined)('a GitRepository over SSH through a proxy', () => {
  let server: SshGitServer;

  beforeAll(async () => {
    server = await startSshGitServer();
    await server.createRepo('app', { 'a.yaml': 'a: 1\n' });
    const { identity } = server;
    await bed.createSecret('login', { identity, known_hosts: server.knownHosts() });
  });
  afterAll(() => server?.stop());

  it.each([
    { name: 'socks', asked: () => socks.asked },
    { name: 'http', asked: () => http.asked },
  ])('is reached by $name', async ({ name, asked }) => {
    const object = await bed.createGit(`ssh-${name}`, {
      url: server.url('app'),
      ref: main,
      secretRef: { name: 'login' },
      proxySecretRef: { name },
    });
    const { artifact } = (await bed.ready(object)).status ?? {};
    expect(await filesOf(artifact)).toEqual({ 'a.yaml': 'a: 1\n' });
    expect(asked().map(({ target }) => target)).toContain(`127.0.0.1:${server.port}`);
  });

  it('is not reached at a refused address, whatever the proxy could reach', async () => {
    // 169.254.169.254 in a form that proxies understand.
    const host = '2852039166';
    const known_hosts = server.knownHosts('ed25519').replace(/^\S+/, host);
    await bed.createSecret('metadata', { identity: server.identity, known_hosts });
    const object = await bed.createGit('ssh-refused', {
      url: `ssh://git@${host}/app.git`,
      ref: main,
      secretRef: { name: 'metadata' },
      proxySecretRef: { name: 'socks' },
    });
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('spec.url leads to a refused address');
    expect(socks.asked.map(({ target }) => target)).not.toContain(`${host}:22`);
  });
});
