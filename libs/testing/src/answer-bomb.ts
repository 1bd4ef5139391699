import { createServer } from 'node:http';
import { createGzip } from 'node:zlib';
import { closeServer, listenOnLoopback } from './http-auth.ts';

const mebibyte = 2 ** 20;

/** JSON of 300 MB in 300 kB of gzip. */
export function answerBomb(): Promise<Buffer> {
  const zip = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  const done = Promise.withResolvers<Buffer>();
  zip.on('data', (chunk: Buffer) => chunks.push(chunk));
  zip.on('end', () => done.resolve(Buffer.concat(chunks)));
  zip.write('{"data":"');
  const block = Buffer.alloc(mebibyte, 'a');
  for (let i = 0; i < 300; i++) zip.write(block);
  zip.end('"}');
  return done.promise;
}

/** An API server that answers whatever it is asked with a bomb. */
export interface BombServer {
  /** Its kubeconfig, which holds for controllers with `--insecure-kubeconfig-tls`. */
  kubeconfig: string;
  /** How often it was asked. */
  asked(): number;
  /** Resolves once it was asked so often. */
  untilAsked(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startBombServer(): Promise<BombServer> {
  const bomb = await answerBomb();
  let asked = 0;
  let waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((_, response) => {
    asked++;
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    response.writeHead(200, headers).end(bomb);
    for (const each of waiting) if (each.count <= asked) each.resolve();
    waiting = waiting.filter(({ count }) => count > asked);
  });
  const port = await listenOnLoopback(server);
  return {
    kubeconfig: kubeconfigFor(`http://127.0.0.1:${port}`),
    asked: () => asked,
    untilAsked(count) {
      if (asked >= count) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    close: () => closeServer(server),
  };
}

/** A kubeconfig without credentials. */
export function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'any' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  });
}
