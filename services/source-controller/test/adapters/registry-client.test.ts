import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock, sha256Hex } from '@sluice/shared/base';
import { createDispatcher, NetworkGuard } from '@sluice/shared/net';
import { createMetrics, type Metrics } from '@sluice/shared/runtime';
import { Agent, type Dispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchBlob } from '../../src/adapters/registry/blob.ts';
import { mayReceiveLogin, parseChallenge } from '../../src/adapters/registry/challenge.ts';
import {
  AuthorizationCache,
  RegistryAuthError,
  RegistryClient,
} from '../../src/adapters/registry/client.ts';
import { DockerConfigError, findLogin } from '../../src/adapters/registry/docker-config.ts';
import { fetchManifest, resolveTag } from '../../src/adapters/registry/manifest.ts';
import { AddressError, parseRepositoryUrl } from '../../src/adapters/registry/reference.ts';
import { listTags } from '../../src/adapters/registry/tags.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface TestServer {
  host: string;
  requests: IncomingMessage[];
  handle: Handler;
  close(): Promise<void>;
}

async function startServer(handle: Handler): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request);
    result.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const result: TestServer = { host, requests, handle, close };
  return result;
}

const login = { username: 'user', password: 'canary-5d1e' };
const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
const dispatcher = new Agent();
const clock = new FakeClock();
let registry: TestServer;
let tokens: TestServer;
let authorizations: AuthorizationCache;
let metrics: Metrics;

beforeEach(async () => {
  registry = await startServer((_, response) => response.writeHead(404).end());
  tokens = await startServer((_, response) => response.writeHead(404).end());
  metrics = createMetrics('source-controller');
  authorizations = new AuthorizationCache(metrics.tokens);
});
afterEach(() => Promise.all([registry.close(), tokens.close()]));

function clientFor(o: { login?: typeof login; dispatcher?: Dispatcher } = {}): RegistryClient {
  return new RegistryClient({
    address: parseRepositoryUrl(`oci://${registry.host}/org/app`, true),
    login: o.login,
    dispatcher: o.dispatcher ?? dispatcher,
    signal: AbortSignal.timeout(10_000),
    clock,
    authorizations,
    user: { kind: 'OCIRepository', namespace: 'apps', name: 'app' },
    endpointId: '',
  });
}

/** Answers 401 with a challenge until the request brings the authorization. */
function demand(authorization: string, challenge: string): Handler {
  return (request, response) => {
    if (request.headers.authorization === authorization) {
      response.writeHead(200, { 'docker-content-digest': `sha256:${'a'.repeat(64)}` }).end();
    } else response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
}

describe('RegistryClient', () => {
  it('answers a basic challenge, and knows it the next time', async () => {
    registry.handle = demand(basic, 'Basic realm="x"');
    await resolveTag(clientFor({ login }), 'v1');
    await resolveTag(clientFor({ login }), 'v1');
    expect(registry.requests.map((r) => r.headers.authorization)).toEqual([
      undefined,
      basic,
      basic,
    ]);
  });

  it('fetches a token with the login, uses it until shortly before it expires, then another', async () => {
    tokens.handle = (_, response) => response.end(JSON.stringify({ token: 't', expires_in: 300 }));
    const realm = `http://${tokens.host}/token?x=1`;
    registry.handle = demand('Bearer t', `Bearer realm="${realm}",service="reg,istry"`);

    await resolveTag(clientFor({ login }), 'v1');
    await clock.advance(280_000);
    await resolveTag(clientFor({ login }), 'v1');
    expect(tokens.requests).toHaveLength(1);
    const [asked] = tokens.requests;
    expect(asked?.headers.authorization).toBe(basic);
    const query = new URL(asked?.url ?? '', realm).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      x: '1',
      service: 'reg,istry',
      scope: 'repository:org/app:pull',
    });

    await clock.advance(20_000);
    await resolveTag(clientFor({ login }), 'v1');
    expect(tokens.requests).toHaveLength(2);
    const text = await metrics.registry.metrics();
    const user = 'kind="OCIRepository",namespace="apps",name="app",operation="reconcile"';
    expect(text).toContain(`gotk_token_cache_events_total{event_type="cache_miss",${user}} 2\n`);
    expect(text).toContain(`gotk_token_cache_events_total{event_type="cache_hit",${user}} 1\n`);
    expect(text).toContain('gotk_token_cache_requests_total{status="success"} 2\n');
    expect(text).toContain('gotk_token_cached_items 1\n');
    metrics.tokens.forget({ kind: 'OCIRepository', namespace: 'apps', name: 'app' });
    expect(await metrics.registry.metrics()).not.toContain(user);
  });

  it('fetches a token without a login for anonymous access', async () => {
    tokens.handle = (_, response) => response.end(JSON.stringify({ access_token: 'anon' }));
    registry.handle = demand('Bearer anon', `Bearer realm="http://${tokens.host}/token"`);
    await resolveTag(clientFor(), 'v1');
    expect(tokens.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('does not send its login to a token server of another domain', async () => {
    const realm = `http://localhost:${tokens.host.split(':')[1]}/token`;
    registry.handle = demand('Bearer t', `Bearer realm="${realm}"`);
    await expect(resolveTag(clientFor({ login }), 'v1')).rejects.toThrow(/another domain/);
    expect(tokens.requests).toHaveLength(0);
  });

  it.each([
    { name: 'refuses the login', status: 401, error: RegistryAuthError },
    { name: 'sends no token', status: 200, error: RegistryAuthError },
  ])('fails when the token server $name, without revealing anything', async ({ status, error }) => {
    tokens.handle = (_, response) => response.writeHead(status).end('{"secret":"canary-9"}');
    registry.handle = demand('Bearer t', `Bearer realm="http://${tokens.host}/token"`);
    const failure = await resolveTag(clientFor({ login }), 'v1').catch((e: Error) => e);
    expect(failure).toBeInstanceOf(error);
    const failed = 'gotk_token_cache_requests_total{status="failure"} 1\n';
    expect(await metrics.registry.metrics()).toContain(failed);
    expect(String(failure)).not.toContain('canary');
  });

  it('reports how long a busy registry wants it to wait', async () => {
    registry.handle = (_, response) => response.writeHead(429, { 'retry-after': '7' }).end();
    await expect(resolveTag(clientFor(), 'v1')).rejects.toMatchObject({
      status: 429,
      retryAfterMs: 7000,
    });
    expect(registry.requests).toHaveLength(1);
  });

  it('asks with GET where HEAD is not known, and computes the digest', async () => {
    registry.handle = ({ method }, response) =>
      method === 'HEAD' ? response.writeHead(405).end() : response.end('{"layers":[]}');
    expect(await resolveTag(clientFor(), 'v1')).toBe(`sha256:${sha256Hex('{"layers":[]}')}`);
  });

  it('sends no login along with a redirect to another host', async () => {
    const content = 'layer';
    tokens.handle = (_, response) => response.end(content);
    registry.handle = (request, response) => {
      if (request.headers.authorization !== basic) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      } else response.writeHead(307, { location: `http://${tokens.host}/blob` }).end();
    };
    const digest = `sha256:${sha256Hex(content)}`;
    const blob = await fetchBlob(
      clientFor({ login }),
      { mediaType: '', digest, size: content.length },
      { memoryBytes: 100, path: '/nonexistent', maxBytes: 100 },
    );
    expect(blob.toString()).toBe(content);
    expect(tokens.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each([
    { name: 'other content', sent: 'other' },
    { name: 'more content', sent: 'layer and more' },
    { name: 'less content', sent: 'lay' },
  ])('refuses a blob with $name', async ({ sent }) => {
    registry.handle = (_, response) => response.end(sent);
    const blob = { mediaType: '', digest: `sha256:${sha256Hex('layer')}`, size: 5 };
    const options = { memoryBytes: 100, path: '/nonexistent', maxBytes: 100 };
    await expect(fetchBlob(clientFor(), blob, options)).rejects.toThrow(/sent other content/);
  });

  describe('a blob whose connection breaks', () => {
    const content = 'abcdefghij';
    const blob = { mediaType: '', digest: `sha256:${sha256Hex(content)}`, size: content.length };
    const options = { memoryBytes: 100, path: '/nonexistent', maxBytes: 100 };
    const breakAfter = (response: ServerResponse, status: number, part: string) => {
      response.writeHead(status, { 'content-length': 100 });
      response.write(part, () => response.destroy());
    };

    it('is asked for from there on, again and again', async () => {
      registry.handle = ({ headers: { range } }, response) => {
        const from = Number(/\d+/.exec(range ?? '0')?.[0]);
        const part = content.slice(from, from + 3);
        const last = from + 3 >= content.length;
        const headers = {
          'content-range': `bytes ${from}-9/10`,
          'content-length': last ? part.length : 100,
        };
        response.writeHead(from === 0 ? 200 : 206, headers);
        response.write(part, () => (last ? response.end() : response.destroy()));
      };
      expect((await fetchBlob(clientFor(), blob, options)).toString()).toBe(content);
      const ranges = registry.requests.map(({ headers }) => headers.range);
      expect(ranges).toEqual([undefined, 'bytes=3-', 'bytes=6-', 'bytes=9-']);
    });

    it('is read from the start by a registry without ranges', async () => {
      registry.handle = ({ headers: { range } }, response) =>
        range === undefined ? breakAfter(response, 200, 'abcd') : response.end(content);
      expect((await fetchBlob(clientFor(), blob, options)).toString()).toBe(content);
    });

    it('is given up when nothing more comes, or another part', async () => {
      registry.handle = ({ headers: { range } }, response) =>
        range === undefined
          ? breakAfter(response, 200, 'abcd')
          : breakAfter(response.setHeader('content-range', 'bytes 4-9/10'), 206, '');
      await expect(fetchBlob(clientFor(), blob, options)).rejects.toThrow(/the connection broke/);
      registry.handle = ({ headers: { range } }, response) =>
        range === undefined
          ? breakAfter(response, 200, 'abcd')
          : response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end(content);
      await expect(fetchBlob(clientFor(), blob, options)).rejects.toThrow(/another range/);
    });
  });

  it('lists tags page by page, on the same host whatever the link says', async () => {
    registry.handle = ({ url }, response) => {
      if (url?.includes('last=')) response.end('{"tags":["b","-bad-"]}');
      else {
        const link = `<http://${tokens.host}/v2/org/app/tags/list?last=a>; rel="next"`;
        response.writeHead(200, { link }).end('{"tags":["a"]}');
      }
    };
    expect(await listTags(clientFor())).toEqual(['a', 'b']);
    expect(tokens.requests).toHaveLength(0);
  });

  it.each([
    '//HOST/v2/tags?last=a',
    '/x//..//HOST/v2/tags?last=a',
    'http://REGISTRY//HOST/?last=a',
  ])('takes no link to %s for another host, which would get the credentials', async (target) => {
    const link = target.replace('HOST', tokens.host).replace('REGISTRY', registry.host);
    registry.handle = (request, response) => {
      if (request.headers.authorization !== basic) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      } else if (request.url?.includes('last=a')) response.end('{"tags":["b"]}');
      else response.writeHead(200, { link: `<${link}>; rel="next"` }).end('{"tags":["a"]}');
    };
    expect(await listTags(clientFor({ login }))).toEqual(['a', 'b']);
    expect(tokens.requests).toHaveLength(0);
  });

  it('reaches no token server at a refused address', async () => {
    tokens.handle = (_, response) => response.end('{"token":"t"}');
    const address = tokens.host.replace('127.0.0.1', '127.0.0.9');
    registry.handle = demand('Bearer t', `Bearer realm="http://${address}/token"`);
    const guard = new NetworkGuard({ allow: ['127.0.0.1'] });
    const guarded = createDispatcher({ guard, connectTimeoutMs: 5000 });
    const client = clientFor({ dispatcher: guarded });
    await expect(resolveTag(client, 'v1')).rejects.toThrow("host '127.0.0.9' has a loopback");
    await guarded.destroy();
    expect(tokens.requests).toHaveLength(0);
  });
});

describe('fetchManifest', () => {
  function serve(manifests: object[]): string[] {
    const texts = manifests.map((manifest) => JSON.stringify(manifest));
    const digests = texts.map((text) => `sha256:${sha256Hex(text)}`);
    registry.handle = ({ url = '' }, response) => {
      const at = digests.findIndex((digest) => url.endsWith(digest));
      response.writeHead(at < 0 ? 404 : 200).end(texts[at]);
    };
    return digests;
  }
  const layer = { mediaType: 'x', digest: `sha256:${'b'.repeat(64)}`, size: 1 };

  it('refuses content of another digest than asked for', async () => {
    registry.handle = (_, response) => response.end('{"layers":[]}');
    const asked = `sha256:${'c'.repeat(64)}`;
    await expect(fetchManifest(clientFor(), asked)).rejects.toThrow(/other content/);
  });

  it('takes the manifest for linux/amd64 of an index', async () => {
    const [arm, amd] = serve([{ layers: [] }, { layers: [layer], annotations: { a: 'b' } }]);
    const entry = (digest: string | undefined, architecture: string) => ({
      mediaType: 'm',
      digest,
      size: 1,
      platform: { os: 'linux', architecture },
    });
    const before = registry.handle;
    const index = JSON.stringify({ manifests: [entry(arm, 'arm64'), entry(amd, 'amd64')] });
    const digest = `sha256:${sha256Hex(index)}`;
    registry.handle = (request, response) =>
      request.url?.endsWith(digest) ? response.end(index) : before(request, response);
    expect(await fetchManifest(clientFor(), digest)).toEqual({
      layers: [{ ...layer, annotations: {} }],
      annotations: { a: 'b' },
    });
  });
});

describe('parseChallenge', () => {
  it.each([
    {
      header: 'Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"',
      expected: {
        scheme: 'bearer',
        parameters: { realm: 'https://a/t', service: 's', scope: 'repository:x:pull,push' },
      },
    },
    {
      header: 'Basic realm="b", Bearer realm="https://a/t"',
      expected: { scheme: 'bearer', parameters: { realm: 'https://a/t' } },
    },
    { header: 'basic', expected: { scheme: 'basic', parameters: {} } },
    { header: 'Negotiate', expected: undefined },
    { header: undefined, expected: undefined },
  ])('$header', ({ header, expected }) => {
    expect(parseChallenge(header)).toEqual(expected);
  });
});

describe('mayReceiveLogin', () => {
  it.each([
    ['https://registry-1.docker.io', 'https://auth.docker.io/token', true],
    ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth', true],
    ['https://ghcr.io', 'https://ghcr.io/token', true],
    ['https://ghcr.io', 'https://evil.io/token', false],
    ['https://ghcr.io', 'https://evil.ghcr.io.example.com/token', false],
    ['https://registry.example.com', 'https://auth.evil.com/token', false],
    ['https://registry.example.com', 'https://evilexample.com/token', false],
    ['https://registry.example.com', 'http://registry.example.com/token', false],
    ['https://10.0.0.1', 'https://11.0.0.1/token', false],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5001/token', true],
  ])('%s to %s: %s', (registryUrl, realm, allowed) => {
    expect(mayReceiveLogin(new URL(registryUrl), new URL(realm))).toBe(allowed);
  });
});

describe('parseRepositoryUrl', () => {
  it.each([
    ['oci://ghcr.io/org/app', 'https://ghcr.io', 'org/app'],
    ['oci://registry:5000/a/b/c', 'https://registry:5000', 'a/b/c'],
    ['oci://docker.io/redis', 'https://registry-1.docker.io', 'library/redis'],
    ['oci://docker.io/org/app', 'https://registry-1.docker.io', 'org/app'],
  ])('%s', (url, origin, repository) => {
    const address = parseRepositoryUrl(url, false);
    expect([address.base.origin, address.repository]).toEqual([origin, repository]);
  });

  it.each([
    'https://ghcr.io/org/app',
    'oci://ghcr.io',
    'oci://ghcr.io/',
    'oci://ghcr.io/org/app:v1',
    'oci://ghcr.io/org/app@sha256:abc',
    'oci://user:pass@ghcr.io/org/app',
    'oci://ghcr.io/../x',
    'oci://ghcr.io/Org/App',
    'oci:///org/app',
  ])('refuses %s', (url) => {
    expect(() => parseRepositoryUrl(url, false)).toThrow(AddressError);
  });
});

describe('findLogin', () => {
  const auth = Buffer.from('user:pa:ss').toString('base64');
  it.each([
    { name: 'a host', key: 'ghcr.io', host: 'ghcr.io' },
    { name: 'a host with a port', key: 'localhost:5000', host: 'localhost:5000' },
    { name: 'an address', key: 'https://ghcr.io/v2/', host: 'ghcr.io' },
    { name: 'the old name of Docker Hub', key: 'https://index.docker.io/v1/', host: 'docker.io' },
  ])('finds the login under $name', ({ key, host }) => {
    const config = JSON.stringify({ auths: { 'other.io': { auth: 'x' }, [key]: { auth } } });
    expect(findLogin(config, host)).toEqual({ username: 'user', password: 'pa:ss' });
  });

  it('takes username and password, and nothing for another registry', () => {
    const config = JSON.stringify({ auths: { 'ghcr.io': login } });
    expect(findLogin(config, 'ghcr.io')).toEqual(login);
    expect(findLogin(config, 'ghcr.io.evil.com')).toBeUndefined();
    expect(findLogin('{}', 'ghcr.io')).toBeUndefined();
  });

  it.each(['canary-1', '{"auths":{"ghcr.io":{"auth":"Y2FuYXJ5"}}}', '{"auths":{"ghcr.io":null}}'])(
    'refuses %s without repeating it',
    (config) => {
      const find = () => findLogin(config, 'ghcr.io');
      expect(find).toThrow(DockerConfigError);
      expect(find).not.toThrow(/canary/i);
    },
  );
});
