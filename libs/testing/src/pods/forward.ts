import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where something listens: a TCP address, or a socket file, which all network namespaces share. */
export type Endpoint = { host: string; port: number } | { path: string };

/** Connections to `from` go on to one of `to`, in turn. Without any they are closed at once. */
export interface Forward {
  from: Endpoint;
  to: Endpoint[];
}

/** Forwards as wanted; what is no longer wanted stops listening. */
export class Forwards {
  readonly #open = new Map<string, { server: Server; forward: Forward; next: number }>();

  /** Makes exactly these forwards hold. Resolves when each listens. */
  async set(wanted: Forward[]): Promise<void> {
    const keys = new Map(wanted.map((forward) => [JSON.stringify(forward.from), forward]));
    for (const [key, { server }] of this.#open) {
      if (keys.has(key)) continue;
      server.close();
      this.#open.delete(key);
    }
    await Promise.all([...keys].map(([key, forward]) => this.#hold(key, forward)));
  }

  async #hold(key: string, forward: Forward): Promise<void> {
    const present = this.#open.get(key);
    if (present) {
      present.forward = forward;
      return;
    }
    const entry = { server: createServer({ allowHalfOpen: true }), forward, next: 0 };
    this.#open.set(key, entry);
    entry.server.on('connection', (socket) => {
      const { to } = entry.forward;
      const target = to[entry.next++ % to.length];
      if (target) join(socket, target);
      else socket.destroy();
    });
    await listen(entry.server, forward.from);
  }
}

function join(socket: Socket, target: Endpoint): void {
  const onward = connect({ ...target, allowHalfOpen: true });
  for (const [one, other] of [
    [socket, onward],
    [onward, socket],
  ] as const) {
    one.setNoDelay();
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

function listen(server: Server, at: Endpoint): Promise<void> {
  if ('path' in at) rmSync(at.path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
