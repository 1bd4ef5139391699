import { createServer } from 'node:net';

// Below the range from which systems take ports for outgoing connections (32768 on Linux, 49152 elsewhere),
// so that a server that is restarted on its port finds it free.
const firstPort = 20_000;
const lastPort = 32_000;

/**
 * Ports that nothing listens on, on the loopback address.
 *
 * @param count how many different ones
 * @throws Error when no free port is found after many tries
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 500) throw new Error(`no free port between ${firstPort} and ${lastPort}`);
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
