import type { Provider } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { endpointOf } from '../../src/provider/endpoint.ts';
import type { SecretData } from '../../src/provider/secrets.ts';
import { providerOf } from '../objects.ts';

const ref = (name: string) => ({ name });

function resolve(spec: Partial<Provider['spec']>, secrets: Record<string, SecretData> = {}) {
  const read = async (namespace: string, name: string) => {
    expect(namespace).toBe('apps');
    const found = secrets[name];
    if (!found) throw new Error(`no Secret ${name}`);
    return found;
  };
  return endpointOf(providerOf(spec), read);
}

describe('a provider', () => {
  test('has the values of its spec', async () => {
    const endpoint = await resolve({
      address: ' https://a.example/x ',
      channel: 'c',
      username: 'u',
      timeout: '30s',
      proxy: 'http://proxy:3128',
    });
    expect(endpoint).toMatchObject({
      address: 'https://a.example/x',
      channel: 'c',
      username: 'u',
      timeoutMs: 30_000,
      proxy: 'http://proxy:3128',
    });
  });

  test.each([
    { given: 'git@github.com:org/repo.git', want: 'https://github.com/org/repo.git' },
    { given: 'github.com:org/repo', want: 'https://github.com/org/repo' },
    { given: 'ssh://git@git.example.org:2222/org/repo', want: 'https://git.example.org/org/repo' },
    { given: 'ssh://git.example.org/org/repo', want: 'https://git.example.org/org/repo' },
    { given: 'http://git.example.org:3000/org/repo', want: 'http://git.example.org:3000/org/repo' },
  ])('for a repository may be given as $given', async ({ given, want }) => {
    expect((await resolve({ type: 'github', address: given })).address).toBe(want);
  });

  test('for a cloud may have a name as address, and none where it is not used', async () => {
    const named = await resolve({ type: 'googlepubsub', address: 'my-project' });
    expect(named.address).toBe('my-project');
    expect((await resolve({ type: 'telegram', address: 'nonsense' })).address).toBe('');
  });

  test('for a repository takes its certificate authority from its Secret, too', async () => {
    const given = { address: 'https://a/b/c', secretRef: ref('s') };
    const secret = { s: { token: 't', 'ca.crt': 'CA' } };
    expect((await resolve({ ...given, type: 'gitlab' }, secret)).tls).toMatchObject({ ca: 'CA' });
    expect((await resolve({ ...given, type: 'slack' }, secret)).tls).toBeUndefined();
  });

  test('waits 15 s unless told', async () => {
    expect((await resolve({ address: 'https://a' })).timeoutMs).toBe(15_000);
  });

  test('takes address, login, headers and proxy from its Secret', async () => {
    const endpoint = await resolve(
      { address: 'https://spec', username: 'spec', proxy: 'http://spec', secretRef: ref('s') },
      {
        s: {
          address: 'https://secret/path\n',
          username: 'u',
          password: 'p',
          token: 't\n',
          headers: 'Authorization: my-token\nX-Retries: 3\n',
          proxy: 'http://secret:1',
        },
      },
    );
    expect(endpoint).toMatchObject({
      address: 'https://secret/path',
      username: 'u',
      password: 'p',
      token: 't',
      headers: { authorization: 'my-token', 'x-retries': '3' },
      proxy: 'http://secret:1',
    });
  });

  test('prefers the Secret of the proxy, with its login', async () => {
    const endpoint = await resolve(
      { address: 'https://a', proxy: 'http://spec', proxySecretRef: ref('p') },
      { p: { address: 'http://proxy:3128', username: 'u', password: 'p@ss' } },
    );
    expect(endpoint.proxy).toBe('http://u:p%40ss@proxy:3128/');
  });

  test('takes a proxy that speaks SOCKS5', async () => {
    const endpoint = await resolve(
      { address: 'https://a', proxySecretRef: ref('p') },
      { p: { address: 'socks5://proxy:1080', username: 'u', password: 'p@ss' } },
    );
    expect(endpoint.proxy).toBe('socks5://u:p%40ss@proxy:1080');
  });

  test.each<{ name: string; keys: SecretData }>([
    { name: 'new', keys: { 'ca.crt': 'CA', 'tls.crt': 'CERT', 'tls.key': 'KEY' } },
    { name: 'old', keys: { caFile: 'CA', certFile: 'CERT', keyFile: 'KEY' } },
  ])('takes TLS material under the $name names', async ({ keys }) => {
    const endpoint = await resolve({ address: 'https://a', certSecretRef: ref('c') }, { c: keys });
    expect(endpoint.tls).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY' });
  });

  test.each<{ name: string; spec: Partial<Provider['spec']>; secret?: SecretData; want: string }>([
    { name: 'no address', spec: {}, want: 'spec.address' },
    { name: 'an address that is none', spec: { address: 'general' }, want: 'spec.address' },
    {
      name: 'an address that is no repository',
      spec: { type: 'github', address: 'file:///x' },
      want: 'HTTP',
    },
    { name: 'an address of another kind', spec: { address: 'file:///etc/passwd' }, want: 'HTTP' },
    {
      name: 'a long address',
      spec: { secretRef: ref('s') },
      secret: { address: `https://a/${'x'.repeat(2048)}` },
      want: '2048',
    },
    {
      name: 'headers that are no map',
      spec: { address: 'https://a', secretRef: ref('s') },
      secret: { headers: 'canary' },
      want: "the key 'headers'",
    },
    {
      name: 'headers that are no YAML',
      spec: { address: 'https://a', secretRef: ref('s') },
      secret: { headers: '{canary' },
      want: "the key 'headers'",
    },
    {
      name: 'a header name with a line break',
      spec: { address: 'https://a', secretRef: ref('s') },
      secret: { headers: '"a\\nb": canary' },
      want: "the key 'headers'",
    },
    {
      name: 'a proxy of another kind',
      spec: { address: 'https://a', proxySecretRef: ref('s') },
      secret: { address: 'socks4://canary' },
      want: 'spec.proxySecretRef',
    },
    {
      name: 'no proxy',
      spec: { address: 'https://a', proxySecretRef: ref('s') },
      secret: {},
      want: 'spec.proxySecretRef',
    },
    {
      name: 'a certificate without key',
      spec: { address: 'https://a', certSecretRef: ref('s') },
      secret: { 'tls.crt': 'canary' },
      want: "without 'tls.key'",
    },
    {
      name: 'no TLS material',
      spec: { address: 'https://a', certSecretRef: ref('s') },
      secret: {},
      want: "'ca.crt'",
    },
  ])('with $name is refused, naming the field and no value', async ({ spec, secret, want }) => {
    const resolving = resolve(spec, secret && { s: secret });
    await expect(resolving).rejects.toThrow(want);
    await expect(resolving).rejects.not.toThrow('canary');
  });
});
