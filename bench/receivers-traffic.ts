import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { Dispatcher } from 'undici';

/** One kind of request. */
export interface Traffic {
  name: string;
  /** Of a hundred requests. */
  share: number;
  /** Sends one; returns the status, 0 when it has none. */
  send(origin: URL, path: string, pool: Dispatcher): Promise<number>;
}

export const token = 'receivers-token';
const commits = Array.from({ length: 20 }, (_, at) => ({
  id: `${at}`.repeat(40).slice(0, 40),
  message: 'Change the color of the shop'.repeat(8),
  author: { name: 'Somebody', email: 'somebody@example.com' },
}));
const push = JSON.stringify({
  ref: 'refs/heads/main',
  repository: { full_name: 'org/shop' },
  commits,
});
const nested = `{"ref":${'['.repeat(200_000)}`;

function github(body: string, key: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  };
}

async function post(
  pool: Dispatcher,
  path: string,
  o: { body: string | Buffer; headers?: Record<string, string> },
): Promise<number> {
  const { statusCode, body } = await pool.request({ method: 'POST', path, ...o });
  await body.dump();
  return statusCode;
}

/** Writes bytes that are no request that ends, and leaves the connection to the server for two seconds. */
function writeRaw({ hostname, port }: URL, text: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(Number(answer.slice(9, 12)) || 0));
    socket.write(text);
    setTimeout(() => socket.destroy(), 2_000);
  });
}

/** What a receiver gets on a bad day. */
export const traffic: Traffic[] = [
  {
    name: 'valid push',
    share: 60,
    send: (_, path, pool) => post(pool, path, { body: push, headers: github(push, token) }),
  },
  {
    name: 'wrong signature',
    share: 20,
    send: (_, path, pool) => post(pool, path, { body: push, headers: github(push, 'other') }),
  },
  {
    name: 'unknown path',
    share: 10,
    send: (_, __, pool) => post(pool, `/hook/${randomUUID()}`, { body: push }),
  },
  {
    name: 'hostile: nested 200,000 deep, signed',
    share: 4,
    send: (_, path, pool) => post(pool, path, { body: nested, headers: github(nested, token) }),
  },
  {
    name: 'hostile: body of 4 GiB announced',
    share: 2,
    send: (origin, path) =>
      writeRaw(origin, `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4294967296\r\n\r\nx`),
  },
  {
    name: 'hostile: headers of 32 KiB',
    share: 2,
    send: (origin, path) =>
      writeRaw(origin, `POST ${path} HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(32_768)}\r\n\r\n`),
  },
  {
    name: 'hostile: body that never ends',
    share: 2,
    send: (origin, path) =>
      writeRaw(origin, `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf`),
  },
];
