import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { coreResources } from '@sluice/shared/kube';
import {
  type GitRepository,
  makeSshKey,
  type SshGitServer,
  startSshGitServer,
  temporaryFolder,
  testCluster,
  toolPath,
  whyNoSshServer,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const reason = whyNoSshServer();
if (reason !== undefined) console.warn(`The tests of SSH are left out: this machine ${reason}`);

type Secret = KubeObject & { data?: Record<string, string> };

const main = { branch: 'main' };
const passphrase = 'canary-0f4c';

describe.skipIf(reason !== undefined)('a GitRepository over SSH', () => {
  let bed: SourceBed;
  let server: SshGitServer;
  let repo: GitRepository;
  let folder: { path: string; remove(): Promise<void> };

  beforeAll(async () => {
    [bed, server, folder] = await Promise.all([
      startSourceBed(),
      startSshGitServer(),
      temporaryFolder('ssh-keys'),
    ]);
    repo = await server.createRepo('app', { 'a.yaml': 'a: 1\n' });
  });
  afterAll(async () => {
    const log = JSON.stringify(await bed?.process.log());
    await Promise.all([bed?.stop(), server?.stop(), folder?.remove()]);
    expect(log).not.toContain(passphrase);
    expect(log).not.toContain('PRIVATE KEY');
  });

  const url = () => server.url('app');
  const spec = (name: string) => ({ url: url(), ref: main, secretRef: { name } });
  const values = () => ({ identity: server.identity, known_hosts: server.knownHosts() });

  it('follows its branch', async () => {
    await bed.createSecret('login', values());
    const object = await bed.createGit('follow', spec('login'));
    const { artifact } = (await bed.ready(object)).status ?? {};
    expect(artifact?.revision).toBe(`main@sha1:${await repo.resolve('main')}`);
    expect(await filesOf(artifact)).toEqual({ 'a.yaml': 'a: 1\n' });
    const same = await bed.request(object);
    expect(same.status?.artifact).toEqual(artifact);

    await repo.commit({ files: { 'a.yaml': 'a: 2\n' } });
    const moved = await bed.request(object);
    expect(await filesOf(moved.status?.artifact)).toEqual({ 'a.yaml': 'a: 2\n' });
  });

  it('opens its key with the passphrase, and follows a change of the Secret', async () => {
    const path = join(folder.path, 'locked');
    await makeSshKey(path, '-t', 'ed25519', '-a', '2', '-N', passphrase);
    const identity = await readFile(path, 'utf8');
    await bed.createSecret('locked', { ...values(), identity, password: 'another' });
    const object = await bed.createGit('locked', spec('locked'));
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toBe(
      `identity of secret '${bed.namespace}/locked' is protected by another passphrase than password holds`,
    );
    await server.authorize(await readFile(`${path}.pub`, 'utf8'));
    const { namespace } = bed;
    const patch = { stringData: { password: passphrase } };
    const key = { namespace, name: 'locked' };
    await bed.client.patch(coreResources.secrets, key, patch, { type: 'merge' });
    await bed.ready(object);
  });

  it.each(['ecdsa', 'ed25519', 'rsa'])('takes the Secret that flux makes for %s', async (type) => {
    const { kubeconfigPath } = await testCluster();
    const flux = (...args: string[]) =>
      runCommand({
        file: toolPath('flux'),
        args: [...args, `--namespace=${bed.namespace}`],
        env: { KUBECONFIG: kubeconfigPath, HOME: folder.path },
        timeoutMs: 30_000,
        maxOutputBytes: 100_000,
      });
    const name = `flux-${type}`;
    const made = await flux(
      'create',
      'secret',
      'git',
      name,
      `--url=${url()}`,
      `--ssh-key-algorithm=${type}`,
    );
    expect(made.exitCode, made.stderr).toBe(0);
    const { client, namespace } = bed;
    const secret = await client.get<Secret>(coreResources.secrets, { namespace, name });
    const publicKey = secret.data?.['identity.pub'] ?? '';
    await server.authorize(Buffer.from(publicKey, 'base64').toString());
    await bed.ready(await bed.createGit(name, spec(name)));
  });

  it.each([
    {
      name: 'no-secret',
      change: undefined,
      message: /spec\.secretRef must name a Secret with identity and known_hosts/,
    },
    {
      name: 'no-hosts',
      change: { known_hosts: '' },
      message: /must hold identity and known_hosts/,
    },
    {
      name: 'bad-hosts',
      change: { known_hosts: 'localhost' },
      message: /known_hosts of secret .* line 1/,
    },
    {
      name: 'bad-key',
      change: { identity: 'no key' },
      message: /identity of secret .* holds no private key/,
    },
  ])('says what is wrong with its Secret: $name', async ({ name, change, message }) => {
    if (change) await bed.createSecret(name, { ...values(), ...change });
    const secretRef = change && { name };
    const object = await bed.createGit(name, { url: url(), ref: main, secretRef });
    const failed = await bed.failed(object, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(message);
  });

  it('gives nothing to a server with another key', async () => {
    const path = await makeSshKey(join(folder.path, 'host'), '-t', 'ed25519');
    const [type, key] = (await readFile(`${path}.pub`, 'utf8')).split(' ');
    const known_hosts = `[127.0.0.1]:${server.port} ${type} ${key}\n`;
    await bed.createSecret('stranger', { ...values(), known_hosts });
    const object = await bed.createGit('stranger', spec('stranger'));
    const failed = await bed.failed(object, 'GitOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(
      /has the key SHA256:\S+, which known_hosts/,
    );
  });

  it.each([
    {
      name: 'password',
      change: (text: string) => text.replace('@', ':secret@'),
      reason: 'URLInvalid',
    },
    {
      name: 'control',
      change: (text: string) => text.replace('app', 'a%0app'),
      reason: 'URLInvalid',
    },
    {
      name: 'encoding',
      change: (text: string) => text.replace('app', 'a%zz'),
      reason: 'URLInvalid',
    },
  ])('stalls for an address that it cannot use: $name', async ({ name, change, reason }) => {
    const object = await bed.createGit(`address-${name}`, { ...spec('login'), url: change(url()) });
    const stalled = await bed.failed(object, reason);
    expect(conditionOf(stalled, 'Stalled')?.status).toBe('True');
  });
});

describe.skipIf(reason !== undefined)('without the local network', () => {
  it('an SSH server of this machine is not connected to', async () => {
    const [bed, server] = await Promise.all([
      startSourceBed({ localNetwork: false }),
      startSshGitServer(),
    ]);
    try {
      const { identity } = server;
      await bed.createSecret('login', { identity, known_hosts: server.knownHosts() });
      const url = server.url('app');
      const object = await bed.createGit('local', { url, secretRef: { name: 'login' } });
      const failed = await bed.failed(object, 'GitOperationFailed');
      expect(conditionOf(failed, 'Ready')?.message).toMatch(/spec\.url leads to a refused address/);
      expect(server.log()).not.toContain('Accepted publickey');
    } finally {
      await Promise.all([bed.stop(), server.stop()]);
    }
  });
});
