import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import { ByteBudget } from '@sluice/shared/base';
import { coreResources, createKubeClient, type KubeClient } from '@sluice/shared/kube';
import { answerBomb } from '@sluice/testing';
import { afterEach, expect, test } from 'vitest';
import { tenantLimits } from '../../src/kube/answer-limits.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';

const mebibyte = 2 ** 20;
const key = { namespace: 'ns', name: 'one' };
const json = { 'content-type': 'application/json' };
const gzipped = { ...json, 'content-encoding': 'gzip' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } };

let server: FakeApiServer | undefined;
const clients: KubeClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server?.close();
});

/** A client of a server that a tenant names. */
async function tenantOf(
  answer: (path: string, response: ServerResponse, query: URLSearchParams) => void,
  memory = {
    budget: new ByteBudget({ total: 96 * mebibyte, perShare: 48 * mebibyte }),
    share: 'ns',
  },
): Promise<KubeClient> {
  server = await startFakeApiServer(({ path, query }, response) => answer(path, response, query));
  const client = createKubeClient(server.config, { limits: { ...tenantLimits, memory } });
  clients.push(client);
  return client;
}

test('a small answer that becomes 300 MB is cut off, and memory stays bounded', async () => {
  const zipped = await answerBomb();
  expect(zipped.length).toBeLessThan(mebibyte);
  const client = await tenantOf((path, response) => {
    if (path.endsWith('/healthy')) response.writeHead(200, json).end(JSON.stringify(configMap));
    else response.writeHead(200, gzipped).end(zipped);
  });
  const before = process.memoryUsage().rss;
  let peak = before;
  const attacks = Array.from({ length: 10 }, () =>
    client
      .get<KubeObject>(coreResources.pods, key)
      .catch((error: unknown) => error)
      .finally(() => {
        peak = Math.max(peak, process.memoryUsage().rss);
      }),
  );
  const healthy = await client.get<KubeObject>(coreResources.pods, { ...key, name: 'healthy' });
  expect(healthy.metadata.name).toBe('one');
  for (const error of await Promise.all(attacks)) {
    expect(error).toMatchObject({
      name: 'ConnectionError',
      code: 'ANSWER_TOO_LARGE',
      message: expect.stringMatching(
        /^cut off the answer of the API server at 127\.0\.0\.1:\d+: the answer is larger than 8 MiB, its limit$/,
      ),
    });
  }
  expect(peak - before).toBeLessThan(300 * mebibyte);
});

test('an answer without an end is cut off at its limit', async () => {
  let sent = 0;
  const client = await tenantOf((_path, response) => {
    response.writeHead(200, json);
    const block = Buffer.alloc(mebibyte, ' ');
    const more = () => {
      sent += block.length;
      if (!response.destroyed) response.write(block, more);
    };
    more();
  });
  await expect(client.request('GET', '/openapi/v3')).rejects.toMatchObject({
    code: 'ANSWER_TOO_LARGE',
  });
  expect(sent).toBeLessThan(64 * mebibyte);
});

test('an answer of many tiny values is refused before it is parsed', async () => {
  const text = `{"items":[${'[],'.repeat(2_100_000)}[]]}`;
  const client = await tenantOf((_path, response) => response.writeHead(200, json).end(text));
  await expect(client.list(coreResources.pods)).rejects.toMatchObject({
    code: 'ANSWER_TOO_LARGE',
    message: expect.stringContaining('more than 2000000 values'),
  });
});

test('a list of large objects is asked for in smaller pages', async () => {
  const item = { ...configMap, data: { text: 'a'.repeat(mebibyte) } };
  const client = await tenantOf((_path, response, query) => {
    const count = Math.min(40, Number(query.get('limit')));
    const isLast = query.get('continue') !== null || count === 40;
    const metadata = isLast ? {} : { continue: 'next' };
    response.writeHead(200, json).end(JSON.stringify({ metadata, items: Array(count).fill(item) }));
  });
  const { items } = await client.list(coreResources.pods);
  expect(items).toHaveLength(40);
});

test('a list without an end is cut off', async () => {
  const page = {
    metadata: { continue: 'x' },
    items: [{ ...configMap, data: { text: 'a'.repeat(8 * mebibyte) } }],
  };
  const body = gzipSync(JSON.stringify(page));
  const client = await tenantOf((_path, response) => response.writeHead(200, gzipped).end(body));
  await expect(client.list(coreResources.pods)).rejects.toMatchObject({
    code: 'ANSWER_TOO_LARGE',
    message: expect.stringContaining('the list of pods is larger than 128 MiB'),
  });
});

test('a watch event without an end is cut off', async () => {
  const client = await tenantOf((_path, response) => {
    response.writeHead(200, json).write('{"type":"ADDED","object":{"metadata":{"name":"');
    const block = 'a'.repeat(mebibyte);
    const more = () => !response.destroyed && response.write(block, more);
    more();
  });
  const watch = client.watch(coreResources.pods, { resourceVersion: '1' })[Symbol.asyncIterator]();
  await expect(watch.next()).rejects.toMatchObject({
    code: 'ANSWER_TOO_LARGE',
    message: expect.stringContaining('an event of the watch is larger than 4 MiB'),
  });
});

test('a watch that brings new objects without an end is cut off', async () => {
  const client = await tenantOf((_path, response) => {
    response.writeHead(200, json);
    const object = { ...configMap, data: { text: 'a'.repeat(3 * mebibyte) } };
    const line = `${JSON.stringify({ type: 'ADDED', object })}\n`;
    const more = () => !response.destroyed && response.write(line, more);
    more();
  });
  let count = 0;
  const follow = async () => {
    for await (const _ of client.watch(coreResources.pods, { resourceVersion: '1' })) count++;
  };
  await expect(follow()).rejects.toMatchObject({
    code: 'ANSWER_TOO_LARGE',
    message: expect.stringContaining('what one watch has brought is larger than 128 MiB'),
  });
  expect(count).toBe(42);
});

test('large answers of one namespace leave memory to those of others', async () => {
  const budget = new ByteBudget({ total: 16 * mebibyte, perShare: 8 * mebibyte });
  const text = JSON.stringify({ ...configMap, data: { text: 'a'.repeat(2 * mebibyte) } });
  const finish = Promise.withResolvers<void>();
  const client = await tenantOf(
    (_path, response) => {
      response.writeHead(200, json).write(text.slice(0, -1));
      void finish.promise.then(() => response.end(text.slice(-1)));
    },
    { budget, share: 'greedy' },
  );
  const slow = [1, 2, 3].map(() => client.get<KubeObject>(coreResources.pods, key));
  const other = createKubeClient((server as FakeApiServer).config, {
    limits: { ...tenantLimits, memory: { budget, share: 'other' } },
  });
  clients.push(other);
  const their = other.get<KubeObject>(coreResources.pods, key);
  while (budget.held < 16 * mebibyte) await new Promise((resolve) => setImmediate(resolve));
  finish.resolve();
  await Promise.all([their, ...slow]);
  expect(budget.held).toBe(0);
});
