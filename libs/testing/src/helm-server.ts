import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createCertificateAuthority } from './certificates.ts';
import { temporaryFolder } from './guard.ts';
import { closeServer, isAuthorized, listenOnLoopback, type ServerAuth } from './http-auth.ts';
import { toolPath } from './tool-path.ts';

export interface HelmServerOptions {
  /** Credentials that every request must bring; none when absent. */
  auth?: ServerAuth;
  /** Serve https with a certificate of a CA made for this server; see `HelmServer.ca`. */
  tls?: boolean;
}

/** A chart as its source: the content of each file by its path; `Chart.yaml` is made when absent. */
export interface ChartContent {
  name: string;
  version: string;
  files?: Record<string, string>;
}

export interface HelmServer {
  /** Address of the repository. */
  readonly url: string;
  readonly ca: string | undefined;
  /** What is served, by path without the leading slash; may be changed. */
  readonly files: Map<string, Buffer>;
  /** Every request so far, refused ones included. */
  readonly requests: { path: string; headers: IncomingMessage['headers'] }[];
  /** Called before each request is served; returns true when it has answered itself. */
  onRequest: ((path: string, response: ServerResponse) => boolean) | undefined;
  /** Packages charts with the Helm program, and writes the index of all packages published so far. */
  publish(...charts: ChartContent[]): Promise<void>;
  stop(): Promise<void>;
}

const execute = promisify(execFile);

/**
 * Runs the Helm program with a home of its own and without network access to anything it is not told.
 *
 * @returns its standard output
 * @throws Error with its standard error when it fails
 */
export async function runHelm(args: string[], home: string): Promise<string> {
  const { stdout } = await execute(toolPath('helm'), args, {
    env: { HOME: home },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** Starts a Helm repository on the loopback address: a server of static files that the Helm program made. */
export async function startHelmServer(options: HelmServerOptions = {}): Promise<HelmServer> {
  const folder = await temporaryFolder('helm');
  const packages = join(folder.path, 'packages');
  await mkdir(packages);
  const authority = options.tls ? await createCertificateAuthority('helm-test-ca') : undefined;
  const pair = await authority?.issue({ commonName: 'helm', usage: 'server' });
  const server = pair ? createTlsServer(pair) : createServer();
  const port = await listenOnLoopback(server);
  const helmServer: HelmServer = {
    url: `${pair ? 'https' : 'http'}://127.0.0.1:${port}/charts`,
    ca: authority?.cert,
    files: new Map(),
    requests: [],
    onRequest: undefined,
    async publish(...charts) {
      for (const chart of charts) {
        const dir = await writeChart(folder.path, chart);
        await runHelm(['package', dir, '--destination', packages], folder.path);
      }
      await runHelm(['repo', 'index', packages], folder.path);
      for (const name of await readdir(packages)) {
        helmServer.files.set(`charts/${name}`, await readFile(join(packages, name)));
      }
    },
    async stop() {
      await closeServer(server);
      await folder.remove();
    },
  };
  server.on('request', (request, response) => serve(helmServer, options, request, response));
  return helmServer;
}

async function writeChart(root: string, { name, version, files }: ChartContent): Promise<string> {
  const dir = join(await mkdtemp(join(root, 'source-')), name);
  const all = {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\n`,
    'values.yaml': 'size: 1\n',
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

function serve(
  helmServer: HelmServer,
  { auth }: HelmServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = request.url ?? '/';
  helmServer.requests.push({ path, headers: request.headers });
  if (helmServer.onRequest?.(path, response)) return;
  const content = helmServer.files.get(decodeURIComponent(path.split('?')[0] ?? '').slice(1));
  if (!isAuthorized(request, auth)) response.writeHead(401).end();
  else if (content === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-length': content.length }).end(content);
}
