import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteRate, type NamedProxy, NetworkGuard } from '@sluice/shared/net';
import {
  type GitRepository,
  localNetwork,
  makeSshKey,
  type SshGitServer,
  startSocksProxy,
  startSshGitServer,
  startSshSocksProxy,
  whyNoSshServer,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PackReader } from '../../../src/adapters/git/pack-reader.ts';
import { openPack } from '../../../src/adapters/git/pack-source.ts';
import { GitRemote } from '../../../src/adapters/git/remote.ts';
import { SshTransport } from '../../../src/adapters/git/ssh-transport.ts';
import { listTree, readCommit } from '../../../src/adapters/git/tree.ts';
import { connectSsh, type SshAlgorithms } from '../../../src/adapters/ssh/connect.ts';
import { KnownHosts } from '../../../src/adapters/ssh/known-hosts.ts';
import { readPrivateKey } from '../../../src/adapters/ssh/private-key.ts';

const reason = whyNoSshServer();
if (reason !== undefined) console.warn(`The tests of SSH are left out: this machine ${reason}`);

interface Given {
  url?: string;
  identity?: string;
  knownHosts?: string;
  algorithms?: Partial<SshAlgorithms>;
  guard?: NetworkGuard;
  server?: SshGitServer;
  proxy?: NamedProxy;
  timeoutMs?: number;
}

describe.skipIf(reason !== undefined)('a Git server over SSH', () => {
  let server: SshGitServer;
  let old: SshGitServer;
  let repo: GitRepository;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ssh-'));
    // The second one lets no client choose the version of the protocol.
    [server, old] = await Promise.all([
      startSshGitServer(),
      startSshGitServer(['SetEnv GIT_PROTOCOL=']),
    ]);
    repo = await server.createRepo("it's an app");
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`f-${at}.yaml`, `v: ${at}\n`.repeat(50)]),
    );
    await repo.commit({ files, tag: { name: 'v1', message: 'one' } });
    await old.createRepo('app', files);
  });
  afterAll(async () => {
    await Promise.all([server?.stop(), old?.stop()]);
    await rm(dir, { recursive: true, force: true });
  });

  function remote(given: Given = {}): GitRemote {
    const at = given.server ?? server;
    const url = new URL(given.url ?? at.url("it's an app"));
    const signal = AbortSignal.timeout(given.timeoutMs ?? 20_000);
    const target = {
      host: url.hostname,
      port: at.port,
      username: url.username,
      key: readPrivateKey({ key: given.identity ?? at.identity, passphrase: '' }),
      knownHosts: new KnownHosts(given.knownHosts ?? at.knownHosts()),
      ...(given.proxy && { proxy: given.proxy }),
    };
    const algorithms = { kex: [], hostKey: [], ...given.algorithms };
    const guard = given.guard ?? localNetwork;
    const connect = () => connectSsh(target, { guard, algorithms, signal });
    const rate = new ByteRate({ bytesPerSecond: 1_000_000, burst: 1_000_000 });
    const pace = { rate, share: 'team' };
    return new GitRemote({ transport: new SshTransport({ url, connect, pace, signal }), signal });
  }

  it.each([
    { name: 'by the second version of the protocol', isOld: false, path: "it's an app" },
    { name: 'by an older version', isOld: true, path: 'app' },
  ])('lists references and hands out a commit, $name', async ({ isOld, path }) => {
    const at = isOld ? old : server;
    const peer = remote({ server: at, url: at.url(path) });
    const refs = await peer.listRefs('refs/heads/');
    expect(refs.map(({ name }) => name)).toEqual(['refs/heads/main']);
    const commit = refs[0]?.oid ?? '';
    const pack = await peer.fetchPack({ commit, path: join(dir, path), maxBytes: 1_000_000 });
    const source = openPack(pack);
    const reader = await PackReader.open(source);
    const { tree } = await readCommit(reader, commit);
    expect((await listTree(reader, tree)).files).toHaveLength(300);
    source.close();
  });

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)('is known by a key of type %s', async (type) => {
    const peer = remote({ knownHosts: server.knownHosts(type) });
    expect(await peer.listRefs('refs/tags/')).toMatchObject([{ name: 'refs/tags/v1' }]);
  });

  it.each([
    { name: 'ecdsa', args: ['-t', 'ecdsa', '-b', '521'] },
    { name: 'rsa', args: ['-t', 'rsa', '-b', '3072'] },
  ])('accepts a key of type $name', async ({ name, args }) => {
    const path = await makeSshKey(join(dir, name), ...args);
    await old.authorize(await readFile(`${path}.pub`, 'utf8'));
    const identity = await readFile(path, 'utf8');
    const peer = remote({ server: old, url: old.url('app'), identity });
    expect(await peer.listRefs('refs/heads/')).toHaveLength(1);
  });

  it('is not spoken to when it has another key than is known', async () => {
    const knownHosts = old.knownHosts('ed25519').replace(`:${old.port} `, `:${server.port} `);
    await expect(remote({ knownHosts }).listRefs('refs/')).rejects.toThrow(
      /has the key SHA256:\S+, which known_hosts does not have/,
    );
  });

  it.each([
    {
      name: 'no key',
      text: '# none\n',
      message: /known_hosts has no key of 127\.0\.0\.1:\d+: add/,
    },
    {
      name: 'an authority',
      text: '@cert-authority * ssh-ed25519 AAAA\n',
      message: /authority in line 1 \(@cert-authority\).*: add the key of the server itself/,
    },
  ])('is not spoken to when there is $name of it', async ({ text, message }) => {
    await expect(remote({ knownHosts: text }).listRefs('refs/')).rejects.toThrow(message);
  });

  it('is not spoken to by algorithms that are not allowed', async () => {
    const hostKey = ['rsa-sha2-512'];
    expect(await remote({ algorithms: { hostKey } }).listRefs('refs/tags/')).toHaveLength(1);
    const knownHosts = server.knownHosts('ed25519');
    await expect(remote({ algorithms: { hostKey }, knownHosts }).listRefs('refs/')).rejects.toThrow(
      /algorithm that may be used: rsa-sha2-512/,
    );
    const kex = ['diffie-hellman-group1-sha1'];
    await expect(remote({ algorithms: { kex } }).listRefs('refs/')).rejects.toThrow(/SSH: /);
  });

  it('says when the login is refused', async () => {
    const path = await makeSshKey(join(dir, 'stranger'), '-t', 'ed25519');
    const identity = await readFile(path, 'utf8');
    await expect(remote({ identity }).listRefs('refs/')).rejects.toMatchObject({
      name: 'LoginRefusedError',
      message: 'the server does not accept the key in identity',
    });
  });

  it('passes on what the server says of a repository that it does not have', async () => {
    await expect(remote({ url: server.url('missing') }).listRefs('refs/')).rejects.toThrow(
      /the server says: .*does not appear to be a git repository/s,
    );
  });

  it.each([
    { name: 'that answers late', answersLate: true },
    { name: 'that answers at once', answersLate: false },
  ])('is reached through a SOCKS5 proxy $name', async ({ answersLate }) => {
    const proxy = await startSocksProxy({ login: 'user:password', answersLate });
    onTestFinished(() => proxy.close());
    const named = { address: proxy.url, username: 'user', password: 'password' };
    expect(await remote({ proxy: named }).listRefs('refs/tags/')).toHaveLength(1);
    expect(proxy.asked).toEqual([{ target: `127.0.0.1:${server.port}`, login: 'user:password' }]);
  });

  it('is reached through the SOCKS5 proxy of OpenSSH', async () => {
    const proxy = await startSshSocksProxy(old);
    onTestFinished(() => proxy.stop());
    const { address } = proxy;
    expect(await remote({ proxy: { address } }).listRefs('refs/tags/')).toHaveLength(1);
  });

  it('is known by its own key, also when an authority has signed another for it', async () => {
    const authority = await makeSshKey(join(dir, 'authority'), '-t', 'ed25519');
    const publicKey = await readFile(`${authority}.pub`, 'utf8');
    const certified = await startSshGitServer([], authority);
    onTestFinished(() => certified.stop());
    await certified.createRepo('app', { 'a.yaml': 'a' });
    const line = `@cert-authority * ${publicKey}`;
    const at = { server: certified, url: certified.url('app') };
    const alone = remote({ ...at, knownHosts: `# ours\n${line}` });
    await expect(alone.listRefs('refs/')).rejects.toThrow(
      'known_hosts names an authority in line 2 (@cert-authority), and certificates of servers are not supported: add the key of the server itself, as ssh-keyscan prints it',
    );
    const other = old.knownHosts('ed25519').replace(`:${old.port} `, `:${certified.port} `);
    const stranger = remote({ ...at, knownHosts: `${line}${other}` });
    await expect(stranger.listRefs('refs/')).rejects.toThrow(
      /has the key SHA256:\S+, which known_hosts does not have for it; known_hosts names an authority in line 1/,
    );
    const both = remote({ ...at, knownHosts: `${line}${certified.knownHosts('ed25519')}` });
    expect(await both.listRefs('refs/heads/')).toHaveLength(1);
  });

  it('is not reached at an address that the guard refuses', async () => {
    await expect(remote({ guard: new NetworkGuard() }).listRefs('refs/')).rejects.toThrow(
      /127\.0\.0\.1/,
    );
  });

  it.each([
    { name: 'says nothing', command: 'sleep 600' },
    { name: 'stops in the middle of its list', command: 'printf 0032; sleep 600' },
  ])('is left when the time is over, if it $name', async ({ command }) => {
    const slow = await startSshGitServer([`ForceCommand ${command}`]);
    onTestFinished(() => slow.stop());
    const peer = remote({ server: slow, url: slow.url('x'), timeoutMs: 1_500 });
    await expect(peer.listRefs('refs/')).rejects.toThrow(/aborted due to timeout/);
  });

  it('runs nothing but git-upload-pack, whatever the path', async () => {
    const url = new URL(server.url('x'));
    url.pathname = `/x' ; touch '${join(dir, 'touched')}`;
    await expect(remote({ url: url.href }).listRefs('refs/')).rejects.toThrow(/the server says/);
    await expect(readFile(join(dir, 'touched'))).rejects.toThrow('ENOENT');
  });
});
