import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterConfig, Credentials } from '@sluice/shared/kube';

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void;

/** An HTTP server that answers as a test says and remembers what it was asked. */
export interface FakeApiServer {
  config: ClusterConfig;
  requests: SeenRequest[];
  close(): Promise<void>;
}

const anonymous: Credentials = { headers: () => Promise.resolve({}), refresh: () => false };

export async function startFakeApiServer(
  handler: Handler,
  o: { prefix?: string; credentials?: Credentials } = {},
): Promise<FakeApiServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://server');
      const { method = '', headers } = incoming;
      const request = { method, path: pathname, query: searchParams, headers, body };
      requests.push(request);
      handler(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    config: {
      server: `http://127.0.0.1:${port}${o.prefix ?? ''}`,
      credentials: o.credentials ?? anonymous,
      tls: () => Promise.resolve({ rejectUnauthorized: true }),
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with JSON. */
export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with a refusal. */
export function refuse(
  response: ServerResponse,
  status: number,
  more: { reason?: string; message?: string; retryAfter?: number } = {},
): void {
  const { reason = '', message = 'refused', retryAfter } = more;
  const body = { kind: 'Status', apiVersion: 'v1', code: status, reason, message };
  answer(response, status, body, retryAfter ? { 'retry-after': String(retryAfter) } : {});
}
