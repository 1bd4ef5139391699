import { createServer } from 'node:net';

// Below the range from which systems take ports for outgoing connections (32768 on Linux, 49152 elsewhere),
// so that a server that is restarted on its port finds it free.
const firstPort = 20_000;
const lastPort = 32_000;
/**
 * Each worker of the test runner draws from a part of its own: between the draw and the start of the server, another
 * worker would find the port free too.
 */
const parts = 8;

/** Given out by this process: what is to listen there may not have started yet. */
const given = new Set<number>();

function ownRange(): [number, number] {
  const size = (lastPort - firstPort) / parts;
  const first = firstPort + (Number(process.env['VITEST_POOL_ID'] ?? 0) % parts) * size;
  return [first, first + size];
}

/**
 * Ports that nothing listens on, on the loopback address, and that no other call has given out.
 *
 * @param count how many different ones
 * @throws Error when no free port is found after many tries
 */
export async function freePorts(count: number): Promise<number[]> {
  const [first, end] = ownRange();
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 500) throw new Error(`no free port between ${first} and ${end}`);
    const port = first + Math.floor(Math.random() * (end - first));
    if (given.has(port)) continue;
    given.add(port);
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
