import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { SocksClient } from 'socks';
import { buildConnector, Client } from 'undici';
import { errorMessage } from '../base/index.ts';
import { guardedConnector } from './connector.ts';
import type { NetworkGuard } from './guard.ts';
import { openSocket } from './open-socket.ts';
import { isSocks, type NamedProxy, proxyAuthorization, proxyLogin } from './proxy.ts';
import { refusalIn } from './refused-error.ts';

/** A proxy that cannot be reached, or makes no connection. The message holds no login. */
export class ProxyError extends Error {
  override name = 'ProxyError';
}

export interface TunnelOptions {
  guard: NetworkGuard;
  proxy: NamedProxy;
  /** Milliseconds to reach the proxy, and again until it has made the connection. */
  timeoutMs: number;
  /** Ends the attempt, not the connection. */
  signal?: AbortSignal;
}

const socksPort = 1080;
/** Of a name, a password and a host, in bytes: SOCKS5 has one byte for it. */
const maxSocksLength = 255;

/**
 * Opens a connection to a host through a proxy: by CONNECT of one that speaks HTTP, else by SOCKS5. A name is the
 * proxy's to resolve, and to judge.
 *
 * @returns the connection, which whoever reads from it may have to resume
 * @throws AddressRefusedError when the guard refuses the proxy, or a host written as an address
 * @throws ProxyError that says why there is no connection; the signal's reason
 */
export async function openTunnel(
  { host: written, port }: { host: string; port: number },
  o: TunnelOptions,
): Promise<Socket> {
  const host = hostOf(written);
  o.guard.check(host);
  o.signal?.throwIfAborted();
  try {
    return await (isSocks(o.proxy) ? throughSocks : throughHttp)({ host, port }, o);
  } catch (error) {
    o.signal?.throwIfAborted();
    const refusal = refusalIn(error);
    if (refusal !== undefined) throw refusal;
    // Not as the cause: errors of `socks` hold the login.
    throw new ProxyError(`the proxy: ${errorMessage(error)}`);
  }
}

/** Makes the function by which a connection pool opens connections through a proxy. */
export function tunnelConnector(
  o: TunnelOptions,
  tls: buildConnector.BuildOptions,
): buildConnector.connector {
  const secure = buildConnector(tls);
  return (target, callback) => {
    const isSecure = target.protocol === 'https:';
    const port = Number(target.port) || (isSecure ? 443 : 80);
    openTunnel({ host: target.hostname, port }, o).then(
      (httpSocket) => {
        if (isSecure) secure({ ...target, httpSocket }, callback);
        else callback(null, httpSocket);
      },
      (error: Error) => callback(error, null),
    );
  };
}

/** Writes an address in the one form that the guard knows; proxies understand others, such as 127.1, as well. */
function hostOf(written: string): string {
  const host = URL.parse(`http://${written}`)?.hostname ?? '';
  if (host === '') throw new ProxyError(`the proxy cannot be asked for the host '${written}'`);
  return host.replace(/^\[(.*)\]$/, '$1');
}

async function throughSocks(
  destination: { host: string; port: number },
  { guard, proxy, timeoutMs: timeout, signal }: TunnelOptions,
): Promise<Socket> {
  const { username: userId = '', password = '' } = proxyLogin(proxy) ?? {};
  const texts = [userId, password, destination.host];
  if (texts.some((text) => Buffer.byteLength(text) > maxSocksLength)) {
    throw new RangeError(`SOCKS5 takes names, passwords and hosts of ${maxSocksLength} bytes`);
  }
  const { hostname: host, port: written } = new URL(proxy.address);
  const port = Number(written) || socksPort;
  const socket = await openSocket(
    { host, port },
    { guard, role: 'proxy', timeoutMs: timeout, signal },
  );
  const end = () => socket.destroy();
  signal?.addEventListener('abort', end, { once: true });
  try {
    await SocksClient.createConnection({
      command: 'connect',
      // Not looked at, for the connection is there already.
      proxy: { host, port, type: 5, userId, password },
      destination,
      existing_socket: socket,
      timeout,
    });
    return await withoutLoss(socket);
  } catch (error) {
    end();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/**
 * What came right behind the proxy's answer, `socks` hands on one turn later, and lets the connection flow then:
 * whoever listens only after that, as SSH does whose server speaks first, would lose it.
 */
async function withoutLoss(socket: Socket): Promise<Socket> {
  const early: Buffer[] = [];
  const keep = (chunk: Buffer) => void early.push(chunk);
  socket.on('data', keep);
  await setImmediate();
  socket.off('data', keep);
  socket.pause();
  if (early.length > 0) socket.unshift(Buffer.concat(early));
  return socket;
}

async function throughHttp(
  { host, port }: { host: string; port: number },
  { guard, proxy, timeoutMs, signal }: TunnelOptions,
): Promise<Socket> {
  const connect = guardedConnector(guard, { timeout: timeoutMs, allowH2: false }, 'proxy');
  const client = new Client(new URL(proxy.address).origin, { connect, headersTimeout: timeoutMs });
  const authorization = proxyAuthorization(proxy);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const { statusCode, socket } = await client.connect({
      path: authority,
      headers: {
        host: authority,
        ...(authorization !== undefined && { 'proxy-authorization': authorization }),
      },
      ...(signal !== undefined && { signal }),
    });
    if (statusCode !== 200) {
      socket.on('error', () => undefined).destroy();
      throw new Error(`it answered with status ${statusCode}${hintOf(statusCode)}`);
    }
    // The connection is no longer that of the client.
    client.close().catch(() => undefined);
    return socket as Socket;
  } catch (error) {
    client.destroy().catch(() => undefined);
    throw error;
  }
}

function hintOf(status: number): string {
  return status === 407 ? ', which wants another username or password' : '';
}
