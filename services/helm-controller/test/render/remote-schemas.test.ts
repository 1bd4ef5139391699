import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '@sluice/shared/base';
import { NetworkGuard } from '@sluice/shared/net';
import { localNetwork } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createRemoteSchemas,
  noRemoteSchemas,
  type RemoteSchemas,
  type RemoteSchemasLimits,
  SchemaRefusedError,
} from '../../src/render/remote-schemas.ts';

let server: Server;
let port: number;
let seen: string[];
let handle: (request: IncomingMessage, response: ServerResponse) => void;
let open: RemoteSchemas[];
let clock: FakeClock;

beforeEach(async () => {
  seen = [];
  open = [];
  clock = new FakeClock();
  handle = (_, response) => response.end('{"type":"integer"}');
  server = createServer((request, response) => {
    seen.push(request.url ?? '');
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  server.closeAllConnections();
  server.close();
});

const { signal } = new AbortController();
const at = (path: string) => `http://127.0.0.1:${port}${path}`;
function schemas(limits: Partial<RemoteSchemasLimits> = {}, guard = localNetwork): RemoteSchemas {
  const made = createRemoteSchemas(guard, clock, limits);
  open.push(made);
  return made;
}

test('a document is fetched once for all renderings of ten minutes', async () => {
  const door = schemas();
  const fetch = () => door.forRendering('apps').fetch(at('/a.json#/x'), signal);
  expect(await Promise.all([fetch(), fetch()])).toEqual([
    '{"type":"integer"}',
    '{"type":"integer"}',
  ]);
  await fetch();
  expect(seen).toEqual(['/a.json']);
  await clock.advance(10 * 60_000);
  await fetch();
  expect(seen).toHaveLength(2);
});

test('what was kept goes when there is no room', async () => {
  const documents = schemas({ cacheBytes: 50 }).forRendering('apps');
  for (const path of ['/a', '/b', '/a']) await documents.fetch(at(path), signal);
  expect(seen).toEqual(['/a', '/b', '/a']);
});

test('one rendering gets so many documents', async () => {
  const door = schemas({ maxDocuments: 2 });
  const documents = door.forRendering('apps');
  for (const path of ['/a', '/b', '/a']) await documents.fetch(at(path), signal);
  await expect(documents.fetch(at('/c'), signal)).rejects.toThrow(SchemaRefusedError);
  await door.forRendering('apps').fetch(at('/c'), signal);
});

test.each([
  { name: 'is missing', status: 404, body: '', message: /answered with status 404/ },
  { name: 'is too large', status: 200, body: 'x'.repeat(200), message: /larger than 100 bytes/ },
])('a document that $name is asked for again later', async ({ status, body, message }) => {
  handle = (_, response) => response.writeHead(status).end(body);
  const fetching = schemas({ maxDocumentBytes: 100 })
    .forRendering('apps')
    .fetch(at('/a?t=canary'), signal);
  const error = await fetching.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ reason: 'ArtifactFailed', kind: 'retryable' });
  expect(String(error)).toMatch(message);
  expect(String(error)).toContain('set disableSchemaValidation');
  expect(String(error)).not.toContain('canary');
});

test('a server that does not answer is not waited for', async () => {
  handle = () => undefined;
  const fetching = schemas({ timeoutMs: 50 }).forRendering('apps').fetch(at('/a'), signal);
  await expect(fetching).rejects.toThrow(/no answer within 50 ms/);
});

test.each(['http://127.0.0.1', 'http://localhost', 'http://169.254.169.254', 'http://[::1]'])(
  '%s is refused, and nothing arrives there',
  async (origin) => {
    const fetching = schemas({}, new NetworkGuard())
      .forRendering('apps')
      .fetch(`${origin}:${port}/a`, signal);
    const error = await fetching.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SchemaRefusedError);
    expect(String(error)).toMatch(/host '.*' has .* address.*, which is refused/);
    expect(seen).toEqual([]);
  },
);

test('a redirect to a refused address is not followed', async () => {
  handle = (_, response) =>
    response.writeHead(302, { location: `http://127.0.0.9:${port}/b` }).end();
  const guard = new NetworkGuard({ allow: ['127.0.0.1'] });
  const fetching = schemas({}, guard).forRendering('apps').fetch(at('/a'), signal);
  await expect(fetching).rejects.toThrow(SchemaRefusedError);
  expect(seen).toEqual(['/a']);
});

test.each(['ftp://host/a', 'http://u:canary@host/a'])('%s is not fetched', async (address) => {
  const error = await schemas()
    .forRendering('apps')
    .fetch(address, signal)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SchemaRefusedError);
  expect(String(error)).not.toContain('canary');
});

test('in lock-down nothing is fetched', async () => {
  const fetching = noRemoteSchemas.forRendering('apps').fetch(at('/a'), signal);
  await expect(fetching).rejects.toThrow(/--no-remote-schemas/);
  expect(seen).toEqual([]);
});
