import { connect, createServer, type Socket } from 'node:net';

/** Forwards TCP connections, and can go silent or drop them. */
export interface TcpProxy {
  port: number;
  /** Number of connections accepted so far. */
  accepted: number;
  /** Keeps every present connection open but forwards no byte of it any more. */
  freeze(): void;
  /** Resets every present connection. */
  reset(): void;
  /** Refuses new connections, after a reset of the present ones. */
  shut(): Promise<void>;
  /** Accepts connections again, at the same port. */
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((incoming) => {
    proxy.accepted++;
    const outgoing = connect(target);
    const pair: [Socket, Socket] = [incoming, outgoing];
    pairs.add(pair);
    incoming.pipe(outgoing).pipe(incoming);
    for (const socket of pair) {
      // A reset on one side is the other side's end; the error itself is what the test causes.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  });
  const proxy: TcpProxy = {
    port: 0,
    accepted: 0,
    freeze() {
      for (const [incoming, outgoing] of pairs) {
        incoming.unpipe(outgoing);
        outgoing.unpipe(incoming);
        incoming.resume();
        outgoing.resume();
      }
    },
    reset() {
      for (const [incoming] of pairs) incoming.resetAndDestroy();
    },
    shut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        proxy.reset();
      }),
    open: () => new Promise((resolve) => server.listen(proxy.port, '127.0.0.1', resolve)),
    async close() {
      if (server.listening) await proxy.shut();
    },
  };
  await proxy.open();
  const address = server.address();
  if (address !== null && typeof address === 'object') proxy.port = address.port;
  return proxy;
}
