import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createDispatcher, NetworkGuard, openTunnel, refusalIn } from '@sluice/shared/net';
import {
  createCertificateAuthority,
  localNetwork,
  type SocksProxy,
  type SocksProxyOptions,
  startConnectProxy,
  startSocksProxy,
} from '@sluice/testing';
import { type Dispatcher, request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';

const canary = 'canary-2b91';
const timeoutMs = 10_000;
const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const reached = () => createHttpServer((_, response) => response.end('reached'));

/** Says a word to whoever connects, and sends back what it is told. */
const greeter = () => createServer((socket) => socket.write('hello ') && socket.pipe(socket));

async function socks(o: SocksProxyOptions = {}): Promise<SocksProxy> {
  const proxy = await startSocksProxy(o);
  open.push(() => proxy.close());
  return proxy;
}

function dispatcherOf(address: string, o: { guard?: NetworkGuard; ca?: string } = {}): Dispatcher {
  const { guard = localNetwork, ca } = o;
  const dispatcher = createDispatcher({
    guard,
    proxy: { address, username: 'user', password: canary },
    connectTimeoutMs: timeoutMs,
    ...(ca !== undefined && { tls: { ca } }),
  });
  open.push(() => dispatcher.destroy());
  return dispatcher;
}

function tunnel(address: string, host: string, port = 22, guard = localNetwork): Promise<Socket> {
  const proxy = { address, username: 'user', password: canary };
  return openTunnel({ host, port }, { guard, proxy, timeoutMs });
}

async function next(socket: Socket): Promise<string> {
  const arrived = once(socket, 'data') as Promise<Buffer[]>;
  socket.resume();
  return String((await arrived)[0]);
}

const messageOf = (error: unknown) => `${(error as Error).message} ${JSON.stringify(error)}`;

describe('a proxy that speaks SOCKS5', () => {
  test.each(['socks5:', 'socks5h:'])('%s resolves the name of the server', async (scheme) => {
    const to = await listen(reached());
    const proxy = await socks({ login: `user:${canary}`, to });
    const dispatcher = dispatcherOf(proxy.url.replace('socks5:', scheme));
    const { body } = await request('http://server.example/', { dispatcher });
    expect(await body.text()).toBe('reached');
    expect(proxy.asked).toEqual([{ target: 'server.example:80', login: `user:${canary}` }]);
  });

  test('carries TLS with the server, whose certificate must be its own', async () => {
    const authority = await createCertificateAuthority('tunnel-ca');
    const pair = await authority.issue({
      commonName: 'server',
      usage: 'server',
      hosts: ['server.example'],
    });
    const to = await listen(createHttpsServer(pair, (_, response) => response.end('secure')));
    const proxy = await socks({ login: `user:${canary}`, to });
    const dispatcher = dispatcherOf(proxy.url, { ca: authority.cert });
    const { body } = await request('https://server.example/', { dispatcher });
    expect(await body.text()).toBe('secure');
    await expect(request('https://other.example/', { dispatcher })).rejects.toThrow(/altnames/);
  });

  test('takes its login from its address too', async () => {
    const to = await listen(reached());
    const proxy = await socks({ login: 'a:b c', to });
    const address = proxy.url.replace('//', '//a:b%20c@');
    const dispatcher = createDispatcher({
      guard: localNetwork,
      proxy: { address },
      connectTimeoutMs: timeoutMs,
    });
    open.push(() => dispatcher.destroy());
    const { statusCode, body } = await request('http://server.example/', { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  test('may refuse the login, which the error does not hold', async () => {
    const proxy = await socks({ login: 'user:other' });
    const failing = request('http://server.example/', { dispatcher: dispatcherOf(proxy.url) });
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toMatch(/Authentication failed/);
    expect(messageOf(error)).not.toContain(canary);
  });

  test('is not asked with a login or for a host that SOCKS5 has no room for', async () => {
    const proxy = await socks({ login: 'user:other' });
    const long = { address: proxy.url, username: 'u'.repeat(300), password: 'p' };
    const o = { guard: localNetwork, proxy: long, timeoutMs };
    await expect(openTunnel({ host: 'server.example', port: 22 }, o)).rejects.toThrow(/255 bytes/);
    await expect(tunnel(proxy.url, `${'a'.repeat(300)}.example`)).rejects.toThrow(/255 bytes/);
    expect(proxy.asked).toEqual([]);
  });

  test('loses nothing of a server that speaks first, however late it is listened to', async () => {
    const to = await listen(greeter());
    const proxy = await socks({ login: `user:${canary}`, to, answersLate: true });
    const socket = await tunnel(proxy.url, 'server.example');
    open.push(() => socket.destroy());
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(await next(socket)).toBe('hello ');
    socket.write('world');
    expect(await next(socket)).toBe('world');
  });

  test('may be none', async () => {
    const to = await listen(greeter());
    await expect(tunnel(`socks5://${to}`, 'server.example')).rejects.toThrow(/invalid socks/);
  });
});

describe('a proxy that speaks HTTP', () => {
  test('is asked to connect, with its login', async () => {
    const proxy = await startConnectProxy(`http://${await listen(greeter())}`, `user:${canary}`);
    open.push(() => proxy.close());
    const socket = await tunnel(proxy.url, 'server.example');
    open.push(() => socket.destroy());
    expect(await next(socket)).toBe('hello ');
    expect(proxy.asked.map(({ target }) => target)).toEqual(['server.example:22']);
  });

  test('may refuse the login, which the error does not hold', async () => {
    const proxy = await startConnectProxy(undefined, 'user:other');
    open.push(() => proxy.close());
    const error = await tunnel(proxy.url, 'server.example').catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toMatch(/status 407, which wants another username or password/);
    expect(messageOf(error)).not.toContain(canary);
  });
});

describe.each(['http', 'socks5'])('behind a proxy by %s', (scheme) => {
  test.each(['127.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'a host written as %s is refused before the proxy is asked',
    async (host) => {
      const proxy = scheme === 'http' ? await startConnectProxy() : await socks();
      open.push(() => proxy.close());
      const { port } = new URL(proxy.url);
      const guard = new NetworkGuard({ allow: ['127.0.0.9/32'] });
      const failing = tunnel(`${scheme}://127.0.0.9:${port}`, host, 22, guard);
      const error = await failing.catch((thrown: unknown) => thrown);
      expect(refusalIn(error)).toMatchObject({ role: 'host', refusal: 'loopback' });
      expect(proxy.asked).toEqual([]);
    },
  );

  test.each(['127.0.0.1', 'localhost'])('the proxy at %s is refused', async (host) => {
    const proxy = scheme === 'http' ? await startConnectProxy() : await socks();
    open.push(() => proxy.close());
    const { port } = new URL(proxy.url);
    const address = `${scheme}://${host}:${port}`;
    const failing = tunnel(address, 'server.example', 22, new NetworkGuard());
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(refusalIn(error)).toMatchObject({ role: 'proxy', refusal: 'loopback' });
    const dispatcher = dispatcherOf(address, { guard: new NetworkGuard() });
    const through = request('http://server.example/', { dispatcher });
    const other = await through.catch((thrown: unknown) => thrown);
    expect(refusalIn(other)).toMatchObject({ role: 'proxy', refusal: 'loopback' });
    expect(proxy.asked).toEqual([]);
  });
});

test.each([
  { name: 'while the proxy is connected to', isConnected: false },
  { name: 'while the proxy says nothing', isConnected: true },
])('an attempt ends with its signal, $name', async ({ isConnected }) => {
  const server = createServer();
  const connected = once(server, 'connection');
  const proxy = { address: `socks5://${await listen(server)}` };
  const controller = new AbortController();
  const o = { guard: localNetwork, proxy, timeoutMs: 600_000, signal: controller.signal };
  const failing = openTunnel({ host: 'server.example', port: 22 }, o);
  if (isConnected) await connected;
  const reason = new Error('over');
  controller.abort(reason);
  await expect(failing).rejects.toBe(reason);
});
