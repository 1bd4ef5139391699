import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy for connections over TLS. */
export interface ConnectProxy {
  readonly url: string;
  readonly asked: { target: string; authorization: string | undefined }[];
  close(): void;
}

/**
 * Starts a proxy on 127.0.0.1 that connects to the host asked for, or to that of `to`.
 *
 * @param login `<name>:<password>` that clients must give
 */
export async function startConnectProxy(to?: string, login?: string): Promise<ConnectProxy> {
  const asked: ConnectProxy['asked'] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket: Socket) => {
    const target = request.url ?? '';
    const authorization = request.headers['proxy-authorization'];
    asked.push({ target, authorization });
    if (login !== undefined && authorization !== `Basic ${btoa(login)}`) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(to ?? `http://${target}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    endOf(socket, upstream);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    close() {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

/** Ends each of two connections with the other. */
export function endOf(one: Socket, other: Socket): void {
  one.on('error', () => one.destroy()).on('close', () => other.destroy());
  other.on('error', () => other.destroy()).on('close', () => one.destroy());
}
