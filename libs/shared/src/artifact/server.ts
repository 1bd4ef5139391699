import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../base/index.ts';
import type { ArtifactStore } from './store.ts';

/** A running artifact server. */
export interface ArtifactServer {
  /** The port it listens on. */
  port: number;
  /** Stops listening and waits a little for running downloads. */
  close(): Promise<void>;
}

/** What an artifact's path consists of: names of kinds, namespaces, objects and files. */
const pathPattern = /^\/[a-z0-9]+(?:\/[A-Za-z0-9][A-Za-z0-9._-]*){2}\/[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** Downloads that run at shutdown get this long, in milliseconds. */
const drainMs = 5000;

/**
 * Serves stored artifacts over HTTP: GET and HEAD of files, and of `/`, which is empty. There are no listings, and
 * no path leads out of the storage.
 *
 * @param o.port 0 picks a free one
 */
export async function serveArtifacts(
  store: ArtifactStore,
  o: { host?: string; port: number; logger: Logger },
): Promise<ArtifactServer> {
  const server = createServer((request, response) => {
    respond(store, request, response).catch((error: unknown) => {
      o.logger.warn({ path: request.url, error }, 'artifact download failed');
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

async function respond(
  store: ArtifactStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  // The pattern has no '%': an encoded path is never decoded, so nothing can hide in it.
  const path = (request.url ?? '').split('?', 1)[0] as string;
  if (path === '/') {
    // By this Flux's manifests ask whether the Pod is ready.
    response.writeHead(200, { 'content-length': 0 }).end();
    return;
  }
  const file = pathPattern.test(path) ? await openStored(join(store.dir, path)) : undefined;
  if (file === undefined) {
    response.writeHead(404, { 'content-length': 0 }).end();
    return;
  }
  try {
    await sendFile(file, request, response);
  } finally {
    await file.close();
  }
}

/** Opens a file of the storage; a link is followed only to a file beside it. */
async function openStored(path: string, followLink = true): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ELOOP' && followLink) {
      const target = await readlink(path);
      if (target.includes('/') || target.startsWith('.')) return undefined;
      return openStored(join(dirname(path), target), false);
    }
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  return undefined;
}

async function sendFile(
  file: FileHandle,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const stats = await file.stat();
  const etag = `"${stats.size.toString(16)}-${Math.trunc(stats.mtimeMs).toString(16)}"`;
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  response.writeHead(200, {
    'content-type': request.url?.endsWith('.yaml') ? 'application/yaml' : 'application/gzip',
    'content-length': stats.size,
    'last-modified': stats.mtime.toUTCString(),
    etag,
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(file.createReadStream({ autoClose: false, highWaterMark: 2 ** 17 }), response);
}
