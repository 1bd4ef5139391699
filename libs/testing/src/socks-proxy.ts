import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { endOf } from './connect-proxy.ts';

/** A SOCKS5 proxy. */
export interface SocksProxy {
  readonly url: string;
  /** Hosts and ports asked for, as the client wrote them, with the login that it gave. */
  readonly asked: { target: string; login: string | undefined }[];
  close(): void;
}

export interface SocksProxyOptions {
  /** `<name>:<password>` that clients must give. */
  login?: string;
  /** `<host>:<port>` that it connects to in place of the host asked for. */
  to?: string;
  /** Holds the answer back until the target has said something, so that both come at once. */
  answersLate?: boolean;
}

const noLogin = 0;
const byPassword = 2;
const notAcceptable = 0xff;
const addressLengths: Record<number, number> = { 1: 4, 4: 16 };

/** Starts a proxy on 127.0.0.1. @see https://www.rfc-editor.org/rfc/rfc1928 */
export async function startSocksProxy(o: SocksProxyOptions = {}): Promise<SocksProxy> {
  const asked: SocksProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket, o, asked).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `socks5://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function serve(
  socket: Socket,
  o: SocksProxyOptions,
  asked: SocksProxy['asked'],
): Promise<void> {
  const take = reader(socket);
  const [, count = 0] = await take(2);
  const methods = await take(count);
  const method = o.login === undefined ? noLogin : byPassword;
  if (!methods.includes(method)) {
    socket.end(Buffer.from([5, notAcceptable]));
    return;
  }
  socket.write(Buffer.from([5, method]));
  const login = method === byPassword ? await readLogin(take) : undefined;
  if (login !== undefined) {
    socket.write(Buffer.from([1, login === o.login ? 0 : 1]));
    if (login !== o.login) return;
  }
  const target = await readTarget(take);
  asked.push({ target, login });
  const { hostname, port } = new URL(`http://${o.to ?? target}`);
  const upstream = connect(Number(port), hostname.replace(/^\[(.*)\]$/, '$1'));
  endOf(socket, upstream);
  upstream.once('error', () => socket.end(answer(5)));
  await once(upstream, 'connect');
  const first = o.answersLate ? ((await once(upstream, 'data')) as Buffer[]) : [];
  upstream.pause();
  socket.write(Buffer.concat([answer(0), ...first]));
  upstream.pipe(socket).pipe(upstream);
}

/** An answer with an address that says nothing. */
function answer(status: number): Buffer {
  return Buffer.from([5, status, 0, 1, 0, 0, 0, 0, 0, 0]);
}

type Take = (length: number) => Promise<Buffer>;

async function readLogin(take: Take): Promise<string> {
  const [, nameLength = 0] = await take(2);
  const name = await take(nameLength);
  const [length = 0] = await take(1);
  return `${name}:${await take(length)}`;
}

async function readTarget(take: Take): Promise<string> {
  const [, , , type = 0] = await take(4);
  const length = addressLengths[type] ?? (await take(1))[0] ?? 0;
  const address = await take(length);
  const port = (await take(2)).readUInt16BE();
  if (type === 1) return `${[...address].join('.')}:${port}`;
  if (type !== 4) return `${address}:${port}`;
  const groups = Array.from({ length: 8 }, (_, at) => address.readUInt16BE(2 * at).toString(16));
  return `[${groups.join(':')}]:${port}`;
}

function reader(socket: Socket): Take {
  return async (length) => {
    if (length === 0) return Buffer.alloc(0);
    for (;;) {
      const found = socket.read(length) as Buffer | null;
      if (found !== null) return found;
      if (socket.readableEnded || socket.destroyed) throw new Error('the client has gone');
      await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
    }
  };
}
