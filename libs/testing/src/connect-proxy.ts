import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy for connections over TLS. */
export interface ConnectProxy {
  readonly url: string;
  readonly asked: { target: string; authorization: string | undefined }[];
  close(): void;
}

/** Starts a proxy on 127.0.0.1 that connects to the host asked for, or to that of `to`. */
export async function startConnectProxy(to?: string): Promise<ConnectProxy> {
  const asked: ConnectProxy['asked'] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket: Socket) => {
    const target = request.url ?? '';
    asked.push({ target, authorization: request.headers['proxy-authorization'] });
    const { hostname, port } = new URL(to ?? `http://${target}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on('error', () => end.destroy());
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
