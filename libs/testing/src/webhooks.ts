import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createCertificateAuthority } from './certificates.ts';
import { closeServer, listenOnLoopback } from './http-auth.ts';

export interface ReceivedRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface WebhookReply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface WebhookReceiver {
  readonly url: string;
  /** The CA's certificate (PEM) when the receiver speaks TLS. */
  readonly ca: string | undefined;
  readonly requests: ReceivedRequest[];
  /** Answers every further request so; a function sees the request. 200 when never called. */
  respond(reply: number | WebhookReply | ((request: ReceivedRequest) => WebhookReply)): void;
  /** Resolves with the first request, received before or after the call, that fits. */
  waitFor(
    predicate: (request: ReceivedRequest) => boolean,
    options?: { timeoutMs?: number },
  ): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

/** An HTTP sink on a loopback address, 127.0.0.1 unless told, that keeps every request. Over TLS it may go by `names`. */
export async function receiveWebhooks(
  options: { tls?: boolean; port?: number; host?: string; names?: string[] } = {},
): Promise<WebhookReceiver> {
  const { host = '127.0.0.1' } = options;
  const requests: ReceivedRequest[] = [];
  const waiting = new Set<(request: ReceivedRequest) => void>();
  let replyTo: (request: ReceivedRequest) => WebhookReply = () => ({ status: 200 });
  const authority = options.tls ? await createCertificateAuthority('webhook-test-ca') : undefined;
  const pair = await authority?.issue({
    commonName: 'webhook-receiver',
    usage: 'server',
    hosts: options.names,
  });
  const server = pair ? createTlsServer(pair) : createServer();
  server.on('request', async (incoming, response) => {
    const received = await read(incoming);
    requests.push(received);
    const reply = replyTo(received);
    response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
    for (const check of waiting) check(received);
  });
  const port = await listenOnLoopback(server, options.port, host);
  return {
    url: `${pair ? 'https' : 'http'}://${host}:${port}`,
    ca: authority?.cert,
    requests,
    respond(reply) {
      if (typeof reply === 'function') replyTo = reply;
      else replyTo = () => (typeof reply === 'number' ? { status: reply } : reply);
    },
    waitFor(predicate, { timeoutMs = 20_000 } = {}) {
      const found = requests.find(predicate);
      if (found) return Promise.resolve(found);
      return new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          waiting.delete(check);
        };
        const check = (request: ReceivedRequest) => {
          if (!predicate(request)) return;
          end();
          resolve(request);
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(notReceivedMessage(timeoutMs, requests)));
        }, timeoutMs);
        waiting.add(check);
      });
    },
    close: () => closeServer(server),
  };
}

function notReceivedMessage(timeoutMs: number, requests: ReceivedRequest[]): string {
  const seen = requests.map((r) => `${r.method} ${r.path} ${r.body.slice(0, 500)}`);
  return `no such request within ${timeoutMs} ms; received ${seen.length}:\n${seen.join('\n')}`;
}

async function read(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString(),
  };
}
