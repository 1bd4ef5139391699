import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDispatcher, NetworkGuard, type Resolve, refusalIn } from '@sluice/shared/net';
import { Agent, type Dispatcher, request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let canary: Server;
let port: number;
let connections = 0;
const dispatchers: Dispatcher[] = [];

beforeAll(async () => {
  canary = createServer((_, response) => response.end('reached'));
  canary.on('connection', () => {
    connections++;
  });
  canary.listen(0, '::');
  await once(canary, 'listening');
  port = (canary.address() as AddressInfo).port;
});
afterAll(() => canary.close());
beforeEach(() => {
  connections = 0;
});
afterEach(() => Promise.all(dispatchers.splice(0).map((each) => each.destroy())));

function dispatcherOf(
  guard: NetworkGuard,
  o: Partial<Parameters<typeof createDispatcher>[0]> = {},
): Dispatcher {
  const dispatcher = createDispatcher({ connectTimeoutMs: 5000, ...o, guard });
  dispatchers.push(dispatcher);
  return dispatcher;
}

/** Answers with the next list of addresses each time, the last one for good. */
function resolver(...answers: string[][]): Resolve & { asked: number } {
  const resolve: Resolve & { asked: number } = Object.assign(
    (_: string, __: object, callback: Parameters<Resolve>[2]) => {
      const addresses = answers[Math.min(resolve.asked++, answers.length - 1)] ?? [];
      const family = (address: string) => (address.includes(':') ? 6 : 4);
      queueMicrotask(() =>
        callback(
          null,
          addresses.map((address) => ({ address, family: family(address) })),
        ),
      );
    },
    { asked: 0 },
  );
  return resolve;
}

async function failureOf(url: string, dispatcher: Dispatcher) {
  const error = await request(url, { dispatcher }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return refusalIn(error);
}

describe('hosts written as addresses', () => {
  const hosts: [string, string][] = [
    ['127.0.0.1', 'loopback'],
    ['127.1', 'loopback'],
    ['0x7f000001', 'loopback'],
    ['2130706433', 'loopback'],
    ['017700000001', 'loopback'],
    ['[::1]', 'loopback'],
    ['[::ffff:127.0.0.1]', 'loopback'],
    ['[64:ff9b::7f00:1]', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['[::]', 'unspecified'],
    ['169.254.169.254', 'metadata'],
    ['[fe80::1]', 'link-local'],
  ];
  test.each(hosts)('%s is refused as %s before anything is sent', async (host, refusal) => {
    const error = await failureOf(`http://${host}:${port}/`, dispatcherOf(new NetworkGuard()));
    expect(error).toMatchObject({ refusal, role: 'host' });
    expect(connections).toBe(0);
  });

  test('are reached when their class is allowed', async () => {
    const dispatcher = dispatcherOf(new NetworkGuard({ allow: ['loopback'] }));
    const { body } = await request(`http://[::1]:${port}/`, { dispatcher });
    expect(await body.text()).toBe('reached');
  });
});

describe('names', () => {
  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0'])(
    'that resolve to %s are refused',
    async (address) => {
      const guard = new NetworkGuard({ resolve: resolver([address]) });
      const error = await failureOf(`http://server.example:${port}/`, dispatcherOf(guard));
      expect(error?.message).toContain("host 'server.example' has");
      expect(error?.message).not.toContain(address);
      expect(connections).toBe(0);
    },
  );

  test('the system resolves are checked too', async () => {
    const error = await failureOf(`http://localhost:${port}/`, dispatcherOf(new NetworkGuard()));
    expect(error).toMatchObject({ host: 'localhost', refusal: 'loopback' });
    expect(connections).toBe(0);
  });

  test('are resolved once for each connection, and connected to what was checked', async () => {
    // What a rebinding name server does: the first answer is harmless, the next one is not.
    const resolve = resolver(['127.0.0.9'], ['127.0.0.1']);
    const guard = new NetworkGuard({ allow: ['127.0.0.9'], resolve });
    const dispatcher = dispatcherOf(guard);
    const url = `http://rebind.example:${port}/`;
    const { body, headers } = await request(url, { dispatcher, reset: true });
    expect(await body.text()).toBe('reached');
    expect(headers.connection).toBe('close');
    expect(resolve.asked).toBe(1);
    expect(await failureOf(url, dispatcher)).toMatchObject({ refusal: 'loopback' });
    expect(resolve.asked).toBe(2);
    expect(connections).toBe(1);
  });

  test('with one allowed address among others lead there alone', async () => {
    const guard = new NetworkGuard({
      allow: ['127.0.0.9'],
      resolve: resolver(['::1', '127.0.0.9', '169.254.169.254']),
    });
    const dispatcher = dispatcherOf(guard);
    const { body } = await request(`http://server.example:${port}/`, { dispatcher });
    expect(await body.text()).toBe('reached');
    expect(connections).toBe(1);
  });
});

describe('proxies', () => {
  test.each(['http', 'https'])('that an object names are checked, for %s', async (scheme) => {
    const address = `http://127.0.0.1:${port}`;
    const dispatcher = dispatcherOf(new NetworkGuard(), { proxy: { address } });
    const error = await failureOf(`${scheme}://server.example/`, dispatcher);
    expect(error).toMatchObject({ host: '127.0.0.1', role: 'proxy', refusal: 'loopback' });
    expect(connections).toBe(0);
  });

  test.each(['http', 'https'])('are checked when resolved, for %s', async (scheme) => {
    const address = `http://proxy.example:${port}`;
    const guard = new NetworkGuard({ resolve: resolver(['::1']) });
    const dispatcher = dispatcherOf(guard, { proxy: { address } });
    const error = await failureOf(`${scheme}://server.example/`, dispatcher);
    expect(error).toMatchObject({ host: 'proxy.example', role: 'proxy' });
    expect(connections).toBe(0);
  });

  test('of the administrator are used, yet not to reach a refused address', async () => {
    const defaultProxy = { httpProxy: `http://127.0.0.1:${port}` };
    const dispatcher = dispatcherOf(new NetworkGuard(), { defaultProxy });
    const { body } = await request('http://server.example/', { dispatcher });
    expect(await body.text()).toBe('reached');
    expect(await failureOf('http://169.254.169.254/', dispatcher)).toMatchObject({
      refusal: 'metadata',
    });
    expect(connections).toBe(1);
  });

  test('of the administrator do not hide hosts that bypass them', async () => {
    const defaultProxy = { httpProxy: 'http://127.0.0.1:1', noProxy: 'server.example' };
    const guard = new NetworkGuard({ resolve: resolver(['127.0.0.1']) });
    const dispatcher = dispatcherOf(guard, { defaultProxy });
    expect(await failureOf(`http://server.example:${port}/`, dispatcher)).toMatchObject({
      refusal: 'loopback',
    });
    expect(connections).toBe(0);
  });
});

test('without the guard the canary is reached', async () => {
  const dispatcher = new Agent();
  dispatchers.push(dispatcher);
  const { body } = await request(`http://127.0.0.1:${port}/`, { dispatcher });
  expect(await body.text()).toBe('reached');
  expect(connections).toBe(1);
});
