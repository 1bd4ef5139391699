import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../base/index.ts';
import { forwardedHeader, forwardTo } from './forward.ts';
import { sendFile } from './send-file.ts';
import type { ArtifactStore } from './store.ts';

/** A running artifact server. */
export interface ArtifactServer {
  /** The port it listens on. */
  port: number;
  /** Stops listening and waits a little for running downloads. */
  close(): Promise<void>;
}

/** An answer in place of a file. */
interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Plain text. */
  body?: string;
}

export interface ArtifactServerOptions {
  host?: string;
  /** 0 picks a free one. */
  port: number;
  logger: Logger;
  /** Looks at who wants a file; what it answers ends the request. */
  gate?: (request: IncomingMessage) => Promise<Answer | undefined>;
  /** Says who leads when that is another replica: `host:port` at which it serves, or that this is not known. */
  leader?: () => { address: string | undefined } | undefined;
}

/** What an artifact's path consists of: names of kinds, namespaces, objects and files. */
const pathPattern = /^\/[a-z0-9]+(?:\/[A-Za-z0-9][A-Za-z0-9._-]*){2}\/[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** Downloads that run at shutdown get this long, in milliseconds. */
const drainMs = 5000;

/**
 * Serves stored artifacts over HTTP: GET and HEAD of files, and of `/`, which is empty. There are no listings, and
 * no path leads out of the storage. A replica that does not lead sends requests on to the one that does, and serves
 * what it has itself while that cannot answer.
 */
export async function serveArtifacts(
  store: ArtifactStore,
  o: ArtifactServerOptions,
): Promise<ArtifactServer> {
  const server = createServer((request, response) => {
    const path = pathOf(request);
    logWhenAnswered(o.logger, path, response);
    respond(store, request, response, o).catch((error: unknown) => {
      o.logger.warn({ path, error }, 'artifact download failed');
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.port, o.host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), drainMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** The path that a request names, without query; `/` for none that an artifact could have, which is anybody's text. */
function pathOf(request: IncomingMessage): string {
  // The pattern has no '%': an encoded path is never decoded, so nothing can hide in it.
  const path = (request.url ?? '').split('?', 1)[0] as string;
  return pathPattern.test(path) ? path : '/';
}

/** Nothing of the headers and the query is logged: they may hold tokens. */
function logWhenAnswered(logger: Logger, path: string, response: ServerResponse): void {
  const address = response.req.socket.remoteAddress;
  response.once('close', () => {
    if (path === '/') return;
    const { statusCode: status, writableFinished: complete } = response;
    const { method } = response.req;
    logger.debug({ path, address, method, status, complete }, 'Artifact download');
  });
}

async function respond(
  store: ArtifactStore,
  request: IncomingMessage,
  response: ServerResponse,
  { gate, leader }: ArtifactServerOptions,
): Promise<void> {
  const send = ({ status, headers, body = '' }: Answer) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    response.writeHead(status, { ...length, ...headers }).end(body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return send({ status: 405, headers: { allow: 'GET, HEAD' } });
  }
  const path = pathOf(request);
  if (path === '/') {
    // By this Flux's manifests ask whether the Pod is ready.
    return send({ status: request.url?.split('?', 1)[0] === '/' ? 200 : 404 });
  }
  const refusal = await gate?.(request);
  if (refusal !== undefined) return send(refusal);
  const elsewhere = leader?.();
  const mayForward = request.headers[forwardedHeader] === undefined;
  if (elsewhere?.address !== undefined && mayForward) {
    if (await forwardTo({ address: elsewhere.address, path }, request, response)) return;
  }
  const file = await store.open(path.slice(1));
  if (file === undefined) {
    // The one that leads next makes what nobody has.
    return send(elsewhere ? { status: 503, headers: { 'retry-after': '5' } } : { status: 404 });
  }
  try {
    await sendFile(file, request, response);
  } finally {
    await file.close();
  }
}
