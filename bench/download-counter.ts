import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands between the storage of artifacts and those who download them. */
export interface DownloadCounter {
  /** What the storage is to advertise. */
  readonly address: string;
  /** Artifacts that were asked for so far. */
  readonly downloads: number;
  /** Where the storage is: a base URL. */
  serve(artifactUrl: string): void;
  close(): Promise<void>;
}

/** Starts a server that hands requests on to a storage of artifacts, and counts them. */
export async function countDownloads(): Promise<DownloadCounter> {
  let downloads = 0;
  let target: URL | undefined;
  const server = createServer((incoming, answer) => {
    downloads += 1;
    if (target === undefined) return answer.writeHead(503).end();
    const { method, url, headers } = incoming;
    const path = url ?? '/';
    const { hostname: host, port } = target;
    const onward = request({ host, port, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    return incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    get downloads() {
      return downloads;
    },
    serve(artifactUrl) {
      target = new URL(artifactUrl);
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
