import { gzipSync } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import {
  ApiError,
  ConnectionError,
  type Credentials,
  coreResources,
  createKubeClient,
  type KubeClient,
} from '@sluice/shared/kube';
import { afterEach, describe, expect, test } from 'vitest';
import { answer, type Handler, refuse, startFakeApiServer } from './fake-api-server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function connect(
  handler: Handler,
  o: { prefix?: string; credentials?: Credentials } = {},
): Promise<{
  client: KubeClient;
  requests: Awaited<ReturnType<typeof startFakeApiServer>>['requests'];
  codes: string[];
}> {
  const server = await startFakeApiServer(handler, o);
  const codes: string[] = [];
  const client = createKubeClient(server.config, { onRequest: ({ code }) => codes.push(code) });
  closing.push(server.close, () => client.close());
  return { client, requests: server.requests, codes };
}

const { configMaps, secrets, namespaces } = coreResources;
const key = { namespace: 'ns', name: 'a' };
const configMap = (name = 'a'): KubeObject & { data: Record<string, string> } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'ns' },
  data: {},
});

describe('requests', () => {
  test('server-side apply sends JSON under the apply type and tells creation from change', async () => {
    const statuses = [201, 200];
    const { client, requests } = await connect((request, response) =>
      answer(response, statuses.shift() ?? 500, JSON.parse(request.body)),
    );
    const options = { fieldManager: 'manager', force: true, dryRun: true };
    expect((await client.apply(configMaps, configMap(), options)).created).toBe(true);
    expect((await client.apply(configMaps, configMap(), options)).created).toBe(false);
    const [first] = requests;
    expect(first?.method).toBe('PATCH');
    expect(first?.path).toBe('/api/v1/namespaces/ns/configmaps/a');
    expect(Object.fromEntries(first?.query ?? [])).toEqual({
      fieldManager: 'manager',
      force: 'true',
      dryRun: 'All',
    });
    expect(first?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(JSON.parse(first?.body ?? '')).toEqual(configMap());
  });

  test('a path in the server address precedes every request path', async () => {
    const { client, requests } = await connect((_, response) => answer(response, 200, {}), {
      prefix: '/k8s/clusters/c-1',
    });
    await client.get(namespaces, { name: 'a' });
    expect(requests[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/a');
  });

  test('delete carries propagation and preconditions', async () => {
    const { client, requests } = await connect((_, response) => answer(response, 200, {}));
    await client.delete(configMaps, key, { propagation: 'Foreground', uid: 'u' });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Foreground',
      preconditions: { uid: 'u' },
    });
  });

  test('impersonation adds user and groups to every request, over the same mapper', async () => {
    const { client, requests } = await connect((_, response) => answer(response, 200, {}));
    const acting = client.impersonate({ user: 'jane', groups: ['a', 'b'] });
    await acting.get(configMaps, key);
    await client.get(configMaps, key);
    expect(requests[0]?.headers['impersonate-user']).toBe('jane');
    expect(requests[0]?.headers['impersonate-group']).toBe('a, b');
    expect(requests[1]?.headers['impersonate-user']).toBeUndefined();
    expect(acting.mapper).toBe(client.mapper);
    expect(acting.identity).not.toBe(client.identity);
  });

  test('each warning of the server is logged once', async () => {
    const warnings = { warning: '299 - "v1beta1 is deprecated"' };
    const { config, close } = await startFakeApiServer((_, response) =>
      answer(response, 200, configMap(), warnings),
    );
    const logged: object[] = [];
    const logger = { warn: (fields: object) => logged.push(fields) } as unknown as Logger;
    const client = createKubeClient(config, { logger });
    closing.push(close, () => client.close());
    await client.get(configMaps, key);
    await client.get(configMaps, key);
    expect(logged).toEqual([{ warning: 'v1beta1 is deprecated' }]);
  });

  test('closing a client that acts as someone else leaves the connections open', async () => {
    const { client } = await connect((_, response) => answer(response, 200, configMap()));
    await client.impersonate({ user: 'jane' }).close();
    await expect(client.get(configMaps, key)).resolves.toBeDefined();
  });
});

describe('lists', () => {
  test('pages are joined and items get apiVersion and kind', async () => {
    const { client, requests } = await connect(({ query }, response) => {
      const last = query.get('continue') === 'next';
      answer(response, 200, {
        metadata: { resourceVersion: '7', continue: last ? '' : 'next' },
        items: [{ metadata: { name: last ? 'b' : 'a' } }],
      });
    });
    const { items, resourceVersion } = await client.list(configMaps, { labelSelector: 'a=b' });
    expect(items).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } },
    ]);
    expect(resourceVersion).toBe('7');
    expect(requests.map(({ query }) => query.toString())).toEqual([
      'limit=500&labelSelector=a%3Db',
      'limit=500&continue=next&labelSelector=a%3Db',
    ]);
  });

  test('when the pages expire on the way, all is fetched at once', async () => {
    const { client, requests } = await connect(({ query }, response) => {
      if (query.has('continue')) return refuse(response, 410, { reason: 'Expired' });
      const metadata = { resourceVersion: '7', continue: query.has('limit') ? 'next' : '' };
      answer(response, 200, { metadata, items: [{ metadata: { name: 'a' } }] });
    });
    expect((await client.list(configMaps)).items).toHaveLength(1);
    expect(requests.map(({ query }) => query.get('limit'))).toEqual(['500', '500', null]);
  });

  test('compressed answers are understood', async () => {
    const { client, requests } = await connect((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ metadata: {}, items: [configMap()] })));
    });
    expect((await client.list(configMaps)).items).toHaveLength(1);
    expect(requests[0]?.headers['accept-encoding']).toBe('gzip');
  });
});

describe('failures', () => {
  test('a refusal becomes an ApiError with status, reason, verb and path', async () => {
    const { client } = await connect((_, response) =>
      refuse(response, 404, { reason: 'NotFound', message: 'configmaps "a" not found' }),
    );
    const error = await client.get(configMaps, key).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 404,
      reason: 'NotFound',
      message: 'configmaps "a" not found',
      verb: 'GET',
      path: '/api/v1/namespaces/ns/configmaps/a',
    });
  });

  test('the values of a Secret appear in no refusal', async () => {
    const { client } = await connect((_, response) =>
      refuse(response, 422, {
        message: 'stringData.k: expected x, got hunter2-canary (aHVudGVyMi1jYW5hcnk=)',
      }),
    );
    const secret = { ...configMap(), kind: 'Secret', stringData: { k: 'hunter2-canary' } };
    const error = await client.create(secrets, secret).catch((thrown) => thrown);
    expect(error.message).toBe('stringData.k: expected x, got ***** (*****)');
  });

  test.each([
    {
      name: 'a merge patch',
      patch: { stringData: { k: 'hunter2-canary' } },
      type: 'merge' as const,
    },
    {
      name: 'a JSON patch',
      patch: [{ op: 'add', path: '/data/k', value: 'hunter2-canary' }],
      type: 'json' as const,
    },
  ])('nor do those of $name to a Secret', async ({ patch, type }) => {
    const { client } = await connect((_, response) =>
      answer(response, 422, {
        kind: 'Status',
        code: 422,
        message: 'got hunter2-canary, .x: expected string, got &value.valueUnstructured{Value:12}',
        details: { causes: [{ message: 'Invalid value: "hunter2-canary"' }] },
      }),
    );
    const error = await client.patch(secrets, key, patch, { type }).catch((thrown) => thrown);
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/canary|12/);
  });

  test('an overloaded server is asked again, also for a creation', async () => {
    const { client, codes } = await connect((_, response) =>
      codes.length === 0 ? refuse(response, 429) : answer(response, 201, configMap()),
    );
    await client.create(configMaps, configMap());
    expect(codes).toEqual(['429', '201']);
  });

  test('an overloaded server that asks for more time than the call has is not waited for', async () => {
    const { client, codes } = await connect((_, response) =>
      refuse(response, 429, { retryAfter: 3600 }),
    );
    const error = await client.get(configMaps, key).catch((thrown) => thrown);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(codes).toEqual(['429']);
  });

  test.each([
    {
      name: 'an idempotent request is repeated after 503',
      run: (c: KubeClient) => c.get(configMaps, key),
      attempts: 4,
    },
    {
      name: 'a creation is not repeated after 503',
      run: (c: KubeClient) => c.create(configMaps, configMap()),
      attempts: 1,
    },
    {
      name: 'a JSON patch is not repeated after 503',
      run: (c: KubeClient) => c.patch(configMaps, key, [], { type: 'json' }),
      attempts: 1,
    },
  ])('$name', async ({ run, attempts }) => {
    const { client, codes } = await connect((_, response) => refuse(response, 503));
    await expect(run(client)).rejects.toMatchObject({ status: 503 });
    expect(codes).toHaveLength(attempts);
  });

  test('a lost connection is repeated for an idempotent request, and only so often', async () => {
    const { client, codes } = await connect((_, response) => response.socket?.destroy());
    await expect(client.get(configMaps, key)).rejects.toBeInstanceOf(ConnectionError);
    expect(codes).toEqual(['<error>', '<error>', '<error>', '<error>']);
    await expect(client.create(configMaps, configMap())).rejects.toBeInstanceOf(ConnectionError);
    expect(codes).toHaveLength(5);
  });

  test('a silent server ends the call when its time is up', async () => {
    const { client } = await connect(() => {});
    const error = await client.get(configMaps, key, { timeoutMs: 50 }).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'TIMEOUT' });
    expect(error.message).toBe('no answer from the API server within 0.05 s');
  });

  test('an aborted call throws the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('superseded');
    const { client } = await connect(() => controller.abort(reason));
    await expect(client.get(configMaps, key, { signal: controller.signal })).rejects.toBe(reason);
  });

  test('broken JSON is not quoted', async () => {
    const { client } = await connect((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('canary');
    });
    const error = await client.get(secrets, key).catch((thrown) => thrown);
    expect(error.message).toContain('no valid JSON');
    expect(error.message).not.toContain('canary');
  });

  test.each([
    { name: 'a name that climbs the path', bad: { namespace: 'ns', name: '..' }, says: "'..'" },
    { name: 'a name with a slash', bad: { namespace: 'ns', name: 'a/b' }, says: "'a/b'" },
    {
      name: 'a missing namespace',
      bad: { name: 'a' },
      says: 'metadata.namespace of the ConfigMap is missing',
    },
  ])('$name is refused before anything is sent', async ({ bad, says }) => {
    const { client, requests } = await connect((_, response) => answer(response, 200, {}));
    const error = await client.get(configMaps, bad).catch((thrown) => thrown);
    expect(error).toMatchObject({ status: 422 });
    expect(error.message).toContain(says);
    expect(requests).toEqual([]);
  });
});

describe('credentials', () => {
  test('after a 401 they are read anew, once', async () => {
    let token = 'old';
    const credentials: Credentials = {
      headers: () => Promise.resolve({ authorization: `Bearer ${token}` }),
      refresh: () => {
        token = 'new';
        return true;
      },
    };
    const { client, requests } = await connect(
      ({ headers }, response) => {
        if (headers.authorization !== 'Bearer new') return refuse(response, 401);
        answer(response, 200, configMap());
      },
      { credentials },
    );
    await client.get(configMaps, key);
    expect(requests).toHaveLength(2);
  });

  test('a second 401 is final', async () => {
    const credentials: Credentials = { headers: () => Promise.resolve({}), refresh: () => true };
    const { client, requests } = await connect((_, response) => refuse(response, 401), {
      credentials,
    });
    await expect(client.get(configMaps, key)).rejects.toMatchObject({ status: 401 });
    expect(requests).toHaveLength(2);
  });
});
