import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type RunningServer, startHttpServer } from '../../../src/runtime/observe/http-server.ts';

let server: RunningServer;
let bodies: string[];

afterEach(() => server.close());

/** Starts a server that notes each whole body; `requestTimeoutMs` is the default unless given. */
async function start(o?: { requestTimeoutMs: number }): Promise<void> {
  bodies = [];
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // Cut off: this is what the tests are about.
      return;
    }
    bodies.push(Buffer.concat(chunks).toString());
    response.end('done');
  };
  const started = await startHttpServer('127.0.0.1:0', listener, o);
  if (started === undefined) throw new Error('it does not listen');
  server = started;
}

/** What the server answers until it closes the connection, to something that is sent and then never goes on. */
function answerTo(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    // A connection that is closed before all was read is reset; the answer has come by then.
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(answer));
    socket.write(text);
  });
}

test('a request is answered', async () => {
  await start();
  const response = await fetch(`http://${server.address}/`, { method: 'POST', body: 'all' });
  expect(await response.text()).toBe('done');
  expect(bodies).toEqual(['all']);
});

test.each([
  { name: 'headers', text: 'POST /hook/x HTTP/1.1\r\nHost: x\r\nX-Slow: ' },
  { name: 'a body', text: 'POST /hook/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf' },
  {
    name: 'chunks',
    text: 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na',
  },
])('$name without an end are answered 408, and the connection is closed', async ({ text }) => {
  await start({ requestTimeoutMs: 300 });
  expect(await answerTo(text)).toMatch(/^HTTP\/1\.1 408 /);
  expect(bodies).toEqual([]);
});

test('headers of more than 16 KiB are answered 431', async () => {
  await start();
  const headers = `X-Large: ${'x'.repeat(17 * 1024)}\r\n`;
  expect(await answerTo(`GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
});
