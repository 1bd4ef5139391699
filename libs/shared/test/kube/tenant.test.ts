import { FakeClock, RetryableError, StalledError } from '@sluice/shared/base';
import {
  ApiError,
  type ApiResource,
  type ClusterLogin,
  clientForTenant,
  type Identity,
  type KubeClient,
  KubeConfigError,
  TenantClients,
  type TenantOptions,
} from '@sluice/shared/kube';
import { dump } from 'js-yaml';
import { afterEach, describe, expect, test } from 'vitest';

const closing: TenantClients[] = [];
afterEach(() => Promise.all(closing.splice(0).map((clients) => clients.close())));

const canary = 'canary-token';
const kubeconfig = (user: object = { token: canary }) =>
  dump({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://remote:6443' } }],
    users: [{ name: 'u', user }],
  });

interface FakeSecret {
  version: string;
  data: Record<string, string>;
}

/** The controller's own cluster: serves Secrets and ConfigMaps, and says whom it was asked to act as. */
function ownCluster(secrets: Record<string, FakeSecret>) {
  const acted: Identity[] = [];
  const client = {
    identity: 'own',
    get: async (
      { kind }: ApiResource,
      { namespace, name }: { namespace: string; name: string },
    ) => {
      const found = secrets[`${namespace}/${name}`];
      const message = `secrets "${name}" not found`;
      if (!found)
        throw new ApiError({ status: 404, reason: 'NotFound', message, verb: 'GET', path: '/' });
      const data = Object.fromEntries(
        Object.entries(found.data).map(([key, value]) => [
          key,
          kind === 'Secret' ? Buffer.from(value).toString('base64') : value,
        ]),
      );
      return { metadata: { namespace, name, uid: 'u', resourceVersion: found.version }, data };
    },
    impersonate: (identity: Identity) => {
      acted.push(identity);
      return { identity: `own|${identity.user}` } as KubeClient;
    },
  };
  return { client: client as unknown as KubeClient, acted };
}

function setup(
  secrets: Record<string, FakeSecret> = {},
  maxClients = 10,
  logIn?: (data: Record<string, string>) => ClusterLogin,
) {
  const { client, acted } = ownCluster(secrets);
  const clock = new FakeClock();
  const cache = new TenantClients({
    clock,
    maxClients,
    graceMs: 1000,
    ...(logIn && { logIn: async ({ data }) => logIn(data) }),
  });
  closing.push(cache);
  const get = (o: Partial<TenantOptions>) =>
    clientForTenant({ client, namespace: 'apps', cache, ...o });
  return { client, acted, clock, cache, get };
}

const remote = { kubeConfig: { secretRef: { name: 'k' } } };
const value = (content = kubeconfig(), version = '1') => ({ version, data: { value: content } });

describe('tenants of the own cluster', () => {
  test('without an account it is the controller itself', async () => {
    const { get, client } = setup();
    expect(await get({})).toBe(client);
  });

  test.each([
    { name: 'the account of the object', o: { serviceAccountName: 'a' }, user: 'a' },
    { name: 'the default account', o: { defaultServiceAccount: 'd' }, user: 'd' },
    {
      name: 'that of the object first',
      o: { serviceAccountName: 'a', defaultServiceAccount: 'd' },
      user: 'a',
    },
  ])('$name is one of its namespace, once for each identity', async ({ o, user }) => {
    const { get, acted } = setup();
    expect(await get(o)).toBe(await get(o));
    expect(acted).toEqual([{ user: `system:serviceaccount:apps:${user}`, groups: [] }]);
    await get({ ...o, namespace: 'other' });
    expect(acted).toHaveLength(2);
  });

  test.each(['a:b', 'a\nb', '../a', 'A'])(
    'the account name %j is refused',
    async (serviceAccountName) => {
      const error = await setup()
        .get({ serviceAccountName })
        .catch((thrown) => thrown);
      expect(error).toBeInstanceOf(StalledError);
      expect(error.message).toContain('spec.serviceAccountName');
    },
  );

  test('each own client has a cache of its own', async () => {
    const { client } = ownCluster({});
    const o = { client, namespace: 'apps', serviceAccountName: 'a' };
    expect(await clientForTenant(o)).toBe(await clientForTenant(o));
    expect(await clientForTenant({ ...o, client: ownCluster({}).client })).not.toBe(
      await clientForTenant(o),
    );
  });
});

describe('tenants of other clusters', () => {
  const places: { name: string; data: Record<string, string>; key?: string }[] = [
    { name: 'value', data: { value: kubeconfig() } },
    { name: 'value.yaml', data: { 'value.yaml': kubeconfig() } },
    { name: 'a named key', data: { mine: kubeconfig(), value: 'x' }, key: 'mine' },
  ];
  test.each(places)('the kubeconfig is in $name', async ({ data, key }) => {
    const { get } = setup({ 'apps/k': { version: '1', data } });
    const client = await get({ kubeConfig: { secretRef: { name: 'k', key } } });
    expect(client.identity).toBe('https://remote:6443|');
  });

  test('with an account, it acts as that account over there', async () => {
    const { get } = setup({ 'apps/k': value() });
    const acting = await get({ ...remote, serviceAccountName: 'a' });
    expect(acting.identity).toBe('https://remote:6443|system:serviceaccount:apps:a');
    expect(await get({ ...remote, serviceAccountName: 'a' })).toBe(acting);
  });

  test('a client serves until its Secret changes, and is closed after a grace time', async () => {
    const secrets = { 'apps/k': value() };
    const { get, clock, cache } = setup(secrets);
    const first = await get(remote);
    expect(await get(remote)).toBe(first);
    secrets['apps/k'] = value(kubeconfig(), '2');
    expect(await get(remote)).not.toBe(first);
    expect(cache.open).toBe(2);
    await clock.advance(1000);
    expect(cache.open).toBe(1);
    await expect(first.request('GET', '/')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test.each([
    'https://127.0.0.1:6443',
    'https://[::1]:6443',
    'https://0.0.0.0',
    'https://[::ffff:169.254.169.254]',
    'https://[64:ff9b::7f00:1]',
  ])('a server at %s is refused', async (server) => {
    const content = kubeconfig().replace('https://remote:6443', server);
    const { get, cache } = setup({ 'apps/k': value(content) });
    const error = await get(remote).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: 'ReconciliationFailed', kind: 'retryable' });
    expect(String(error)).toMatch(
      /Secret apps\/k .* cannot be used: server: host '.*' has .*refused/,
    );
    expect(cache.open).toBe(0);
  });

  test('a server whose name has a refused address gets no connection, and is not asked again', async () => {
    const content = kubeconfig().replace('remote', 'localhost');
    const { get } = setup({ 'apps/k': value(content) });
    const client = await get(remote);
    await expect(client.request('GET', '/version')).rejects.toMatchObject({
      code: 'ERR_ADDRESS_REFUSED',
      message: expect.stringContaining("host 'localhost' has a loopback address, which is refused"),
    });
  });

  test('their number is bounded: the one not used for longest goes', async () => {
    const secrets = { 'a/k': value(), 'b/k': value(), 'c/k': value() };
    const { get, clock, cache } = setup(secrets, 2);
    const first = await get({ ...remote, namespace: 'a' });
    await get({ ...remote, namespace: 'b' });
    await get({ ...remote, namespace: 'a' });
    await get({ ...remote, namespace: 'c' });
    await clock.advance(1000);
    expect(cache.open).toBe(2);
    expect(await get({ ...remote, namespace: 'a' })).toBe(first);
  });

  interface Refusal {
    name: string;
    secrets: Record<string, FakeSecret>;
    o: Partial<TenantOptions>;
    type: typeof StalledError | typeof RetryableError;
    says: string;
  }
  const refusals: Refusal[] = [
    {
      name: 'a login by ConfigMap, where nothing logs in,',
      secrets: {},
      o: { kubeConfig: { configMapRef: { name: 'c' } } },
      type: StalledError,
      says: 'spec.kubeConfig has neither secretRef nor a configMapRef that can be used',
    },
    {
      name: 'a missing Secret',
      secrets: {},
      o: remote,
      type: RetryableError,
      says: 'Secret apps/k, named by spec.kubeConfig.secretRef, does not exist',
    },
    {
      name: 'a missing key',
      secrets: { 'apps/k': { version: '1', data: { x: canary } } },
      o: remote,
      type: RetryableError,
      says: 'Secret apps/k has no key value or value.yaml',
    },
    {
      name: 'a plugin that may not run',
      secrets: { 'apps/k': value(kubeconfig({ exec: { command: 'touch', args: [canary] } })) },
      o: remote,
      type: RetryableError,
      says: 'users[u].user.exec is refused',
    },
    {
      name: 'a broken kubeconfig',
      secrets: { 'apps/k': value(`${canary}: [`) },
      o: remote,
      type: RetryableError,
      says: 'no valid YAML',
    },
  ];
  test.each(refusals)('$name is refused in words that help', async ({ secrets, o, type, says }) => {
    const error = await setup(secrets)
      .get(o)
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect(error.reason).toBe('ReconciliationFailed');
    expect(error.message).toContain(says);
    expect(error.message).not.toContain(canary);
  });
});

describe('tenants of clusters that a ConfigMap describes', () => {
  const described = { kubeConfig: { configMapRef: { name: 'c' } } };
  const map = (data: Record<string, string> = {}, version = '1') => ({
    'apps/c': { version, data },
  });
  const login = (server: string, ca?: string): ClusterLogin => ({
    server,
    ...(ca !== undefined && { ca }),
    token: async () => canary,
  });

  test('act on the cluster of the login, as the account when one is named', async () => {
    const { get } = setup(map({ address: 'https://r:6443' }), 10, ({ address = '' }) =>
      login(address),
    );
    expect((await get(described)).identity).toBe('https://r:6443|');
    const acting = await get({ ...described, serviceAccountName: 'a' });
    expect(acting.identity).toBe('https://r:6443|system:serviceaccount:apps:a');
    const secret = await get({ ...remote, kubeConfig: { secretRef: { name: 'c' } } }).catch(
      (error) => error,
    );
    expect(secret.message).toContain('Secret apps/c has no key');
  });

  test('keep their client until the ConfigMap or the cluster changes', async () => {
    const maps = map();
    let ca = 'first';
    const { get } = setup(maps, 10, () => login('https://r', ca));
    const first = await get(described);
    expect(await get(described)).toBe(first);
    ca = 'second';
    const second = await get(described);
    expect(second).not.toBe(first);
    maps['apps/c'].version = '2';
    expect(await get(described)).not.toBe(second);
  });

  test.each([
    {
      name: 'a ConfigMap that is missing',
      maps: {},
      server: 'https://r',
      says: 'ConfigMap apps/c, named by spec.kubeConfig.configMapRef, does not exist: create it',
    },
    {
      name: 'a login that fails',
      maps: map(),
      server: undefined,
      says: 'the cluster in ConfigMap apps/c (spec.kubeConfig.configMapRef) cannot be used: provider must be set',
    },
    {
      name: 'a refused address',
      maps: map(),
      server: 'https://169.254.169.254',
      says: "cannot be used: server: host '169.254.169.254' has",
    },
  ])('cannot use $name', async ({ maps, server, says }) => {
    const { get, cache } = setup(maps, 10, () => {
      if (server === undefined) throw new KubeConfigError('provider must be set');
      return login(server);
    });
    const error = await get(described).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: 'ReconciliationFailed', kind: 'retryable' });
    expect(error.message).toContain(says);
    expect(cache.open).toBe(0);
  });
});
