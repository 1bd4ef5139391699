import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NetworkGuard } from '@sluice/shared/net';
import { localNetwork } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createRemoteBases,
  type RemoteBases,
  type RemoteBasesLimits,
} from '../../src/builder/remote-bases.ts';

let server: Server;
let port: number;
let seen: string[];
let handle: (request: IncomingMessage, response: ServerResponse) => void;
let open: RemoteBases[];

beforeEach(async () => {
  seen = [];
  open = [];
  handle = (_, response) => response.end('kind: ConfigMap');
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

function build(limits: Partial<RemoteBasesLimits> = {}, guard = localNetwork) {
  const bases = createRemoteBases(guard, limits);
  open.push(bases);
  const files = bases.forBuild('apps');
  return {
    fetch: (reference: string, signal = new AbortController().signal) =>
      files.fetch(reference, signal),
  };
}

const at = (path: string) => `http://127.0.0.1:${port}${path}`;

test('a file is fetched once a build', async () => {
  const { fetch } = build();
  const fetched = await Promise.all([fetch(at('/a.yaml?x=1')), fetch(at('/a.yaml?x=1'))]);
  expect(fetched.map(String)).toEqual(['kind: ConfigMap', 'kind: ConfigMap']);
  expect(seen).toEqual(['/a.yaml?x=1']);
});

describe('what kustomize takes for a Git repository is refused with the fix', () => {
  test.each([
    'https://git.example.com/org/repo//path?ref=v1',
    'https://git.example.com/org/repo.git',
    'https://git.example.com/org/repo.git/path',
    'https://dev.example.com/org/_git/repo',
    'https://git.example.com/org/repo?ref=main',
    'git::https://git.example.com/org/repo',
    'github.com/org/repo',
    'github.com:org/repo',
    'gh:org/repo',
    'git@github.com:org/repo',
    'user@host:org/repo',
    'ssh://git@host/org/repo',
  ])('%s', async (reference) => {
    await expect(build().fetch(reference)).rejects.toThrow(/is a Git repository: make it a Git/);
  });

  test('a web page', async () => {
    handle = (_, response) => response.setHeader('content-type', 'text/html; x').end('<html>');
    await expect(build().fetch(at('/org/repo'))).rejects.toThrow(/web page.*GitRepository/);
  });
});

test.each([
  'ftp://host/a',
  'file:///etc/passwd',
  'data:text/plain,x',
  'http://u:canary@host/a.yaml',
])('%s is not fetched', async (reference) => {
  const error = await build()
    .fetch(reference)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ reason: 'BuildFailed' });
  expect(String(error)).not.toContain('canary');
});

test.each([
  'http://127.0.0.1',
  'http://localhost',
  'http://[::ffff:127.0.0.1]',
  'http://0.0.0.0',
  'http://169.254.169.254',
])('%s is refused, and nothing arrives there', async (origin) => {
  const fetching = build({}, new NetworkGuard()).fetch(`${origin}:${port}/a.yaml`);
  await expect(fetching).rejects.toThrow(/host '.*' has .* address.*, which is refused/);
  expect(seen).toEqual([]);
});

describe('a redirect', () => {
  test('is followed', async () => {
    handle = ({ url }, response) =>
      url === '/a' ? response.writeHead(302, { location: '/b' }).end() : response.end('b');
    expect(String(await build().fetch(at('/a')))).toBe('b');
  });

  test('to a refused address is not', async () => {
    const guard = new NetworkGuard({ allow: ['127.0.0.1'] });
    handle = ({ url }, response) =>
      url === '/a'
        ? response.writeHead(302, { location: `http://127.0.0.9:${port}/b` }).end()
        : response.end('b');
    await expect(build({}, guard).fetch(at('/a'))).rejects.toThrow("host '127.0.0.9' has");
    expect(seen).toEqual(['/a']);
  });

  test.each(['file:///etc/passwd', 'ftp://host/', ''])('to "%s" is not', async (location) => {
    handle = (_, response) => response.writeHead(302, { location }).end();
    await expect(build({}).fetch(at('/a'))).rejects.toThrow(/redirect/);
  });

  test('without an end ends', async () => {
    handle = (_, response) => response.writeHead(302, { location: '/again' }).end();
    await expect(build().fetch(at('/a'))).rejects.toThrow('more than 5 redirects');
  });
});

describe('limits', () => {
  test('of files a build', async () => {
    const { fetch } = build({ maxFiles: 2 });
    await Promise.all([fetch(at('/a')), fetch(at('/b')), fetch(at('/a'))]);
    await expect(fetch(at('/c'))).rejects.toThrow('more than 2 remote files');
    expect(seen).toHaveLength(2);
  });

  test('of bytes a file', async () => {
    handle = (_, response) => response.end('x'.repeat(2000));
    await expect(build({ maxFileBytes: 1000 }).fetch(at('/a'))).rejects.toThrow(
      'larger than 1000 bytes',
    );
  });

  test('of time a file', async () => {
    handle = (_, response) => response.write('x');
    await expect(build({ timeoutMs: 50 }).fetch(at('/a'))).rejects.toThrow(
      'no answer within 50 ms',
    );
  });

  test('the signal ends it', async () => {
    const stop = new AbortController();
    handle = () => stop.abort(new Error('stopped'));
    await expect(build().fetch(at('/a'), stop.signal)).rejects.toThrow('stopped');
  });
});

test('a failing server is named', async () => {
  handle = (_, response) => response.writeHead(503).end('canary');
  await expect(build().fetch(at('/a?token=canary'))).rejects.toThrow(
    `remote file http://127.0.0.1:${port}/a: the server answered with status 503`,
  );
});
