import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NetworkGuard } from '@sluice/shared/net';
import {
  type ConnectProxy,
  localNetwork,
  receiveWebhooks,
  startConnectProxy,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/provider/adapter.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import { createSend } from '../../src/provider/send.ts';

let receiver: WebhookReceiver;

beforeEach(async () => {
  receiver = await receiveWebhooks();
});

afterEach(() => receiver.close());

function endpointWith(change: Partial<Endpoint>): Endpoint {
  return {
    type: 'generic',
    address: `${receiver.url}/services/canary-path?k=canary-query`,
    channel: '',
    username: '',
    password: 'canary-password',
    token: 'canary-token',
    headers: { 'x-key': 'canary-header' },
    secret: { creds: 'canary-creds' },
    uid: 'u',
    timeoutMs: 5_000,
    ...change,
  };
}

function post(
  change: Partial<Endpoint> = {},
  { signal = new AbortController().signal, guard = localNetwork } = {},
) {
  const endpoint = endpointWith(change);
  const traceHeaders = { traceparent: '00-a-b-01' };
  const send = createSend(endpoint, { pool: new ProviderPool(guard), signal, traceHeaders });
  return send({ url: endpoint.address, body: '{}', headers: endpoint.headers });
}

describe('a post', () => {
  test('sends JSON with the headers and the trace', async () => {
    await post();
    const [request] = receiver.requests;
    expect(request?.body).toBe('{}');
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-key': 'canary-header',
      traceparent: '00-a-b-01',
    });
  });

  test.each([200, 202, 204])('is done with status %i', async (status) => {
    receiver.respond(status);
    await expect(post()).resolves.toMatchObject({ status });
  });

  test.each([
    { status: 302, permanent: false },
    { status: 400, permanent: true },
    { status: 403, permanent: false },
    { status: 404, permanent: false },
    { status: 413, permanent: true },
    { status: 422, permanent: true },
    { status: 429, permanent: false },
    { status: 500, permanent: false },
  ])('fails with status $status, for good: $permanent', async ({ status, permanent }) => {
    receiver.respond({ status, headers: { location: '/elsewhere' } });
    await expect(post()).rejects.toMatchObject({
      permanent,
      message: expect.stringContaining(`status ${status}`),
    });
    expect(receiver.requests).toHaveLength(1);
  });

  test('reads Retry-After in seconds and as a date, up to an hour', async () => {
    receiver.respond({ status: 429, headers: { 'retry-after': '7' } });
    await expect(post()).rejects.toMatchObject({ retryAfterMs: 7_000 });
    receiver.respond({ status: 503, headers: { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' } });
    await expect(post()).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
  });

  test('shows what the service says, without any secret it repeats', async () => {
    const echo =
      'no: /services/canary-path ?k=canary-query canary-token canary-password canary-header canary-creds';
    receiver.respond({ status: 500, body: echo });
    const error = await post().catch((e: Error) => e);
    expect(String(error)).toContain('no: ');
    expect(String(error)).not.toContain('canary');
  });

  test('masks what an adapter logs in with, and not the word for its kind', async () => {
    receiver.respond({ status: 401, body: 'Bearer canary-login is no Bearer token' });
    const { signal } = new AbortController();
    const endpoint = endpointWith({});
    const send = createSend(endpoint, {
      pool: new ProviderPool(localNetwork),
      signal,
      traceHeaders: {},
    });
    const headers = { authorization: 'Bearer canary-login' };
    await expect(send({ url: endpoint.address, headers, body: '{}' })).rejects.toThrow(
      'status 401: Bearer ***** is no Bearer token',
    );
  });

  test('fails without a secret when nobody listens', async () => {
    await receiver.close();
    const error = await post().catch((e: Error) => e);
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toContain('canary');
  });

  test('fails after its timeout', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/`;
    await expect(post({ address, timeoutMs: 50 })).rejects.toThrow('no answer within 50 ms');
    silent.closeAllConnections();
    silent.close();
  });
});

describe('to a refused address', () => {
  const guard = new NetworkGuard();

  test.each([
    'http://127.0.0.1',
    'http://localhost',
    'http://[::1]',
    'http://0.0.0.0',
    'http://[::ffff:127.0.0.1]',
    'http://2130706433',
    'http://169.254.169.254',
  ])('%s is not sent, and fails for good', async (host) => {
    const address = `${host}:${new URL(receiver.url).port}/canary-path`;
    const error = await post({ address }, { guard }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DeliveryError', permanent: true });
    expect(String(error)).toMatch(/spec\.address cannot be used: host '.*' has /);
    expect(String(error)).not.toContain('canary');
    expect(receiver.requests).toHaveLength(0);
  });

  test('is not sent through a proxy there either', async () => {
    const address = 'https://service.example/';
    const sending = post({ address, proxy: receiver.url }, { guard });
    await expect(sending).rejects.toThrow("the proxy address cannot be used: proxy '127.0.0.1'");
    expect(receiver.requests).toHaveLength(0);
  });
});

describe('over TLS', () => {
  test('trusts the certificate authority of the Secret, and no unknown one', async () => {
    const secure = await receiveWebhooks({ tls: true });
    try {
      await post({ address: secure.url, tls: { ca: secure.ca } });
      expect(secure.requests).toHaveLength(1);
      await expect(post({ address: secure.url })).rejects.toThrow(/certificate/);
    } finally {
      await secure.close();
    }
  });
});

describe('through a proxy', () => {
  let proxy: ConnectProxy;

  beforeEach(async () => {
    proxy = await startConnectProxy();
  });

  afterEach(() => proxy.close());

  test('logs in and reaches the service', async () => {
    const secure = await receiveWebhooks({ tls: true });
    try {
      await post({
        address: secure.url,
        tls: { ca: secure.ca },
        proxy: proxy.url.replace('//', '//u:p@'),
      });
      expect(secure.requests).toHaveLength(1);
      expect(proxy.asked).toEqual([
        { target: new URL(secure.url).host, authorization: 'Basic dTpw' },
      ]);
    } finally {
      await secure.close();
    }
  });
});
