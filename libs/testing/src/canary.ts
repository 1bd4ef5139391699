import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A listener that nobody may reach. */
export interface Canary {
  port: number;
  /** Connections so far, whatever came over them. */
  reached(): number;
  close(): Promise<void>;
}

/** Listens on all addresses of this machine, and counts each connection, even one that is closed at once. */
export async function startCanary(): Promise<Canary> {
  let reached = 0;
  const server = createServer((socket) => {
    reached++;
    socket.destroy();
  });
  server.listen(0, '::');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    reached: () => reached,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
