import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { createCertificateAuthority } from './certificates.ts';
import { createGitRepository, type GitRepository, gitEnvironment } from './git-repository.ts';
import { temporaryFolder } from './guard.ts';
import { closeServer, isAuthorized, listenOnLoopback, type ServerAuth } from './http-auth.ts';

export interface GitServerOptions {
  /** Credentials that every request must bring; none when absent. Can be changed later by `setAuth`. */
  auth?: ServerAuth;
  /** Serve https with a certificate of a CA made for this server; see `GitServer.ca`. */
  tls?: boolean;
}

export interface GitRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingMessage['headers'];
  /** Set once the body has arrived by which a client fetches objects. */
  fetchesPack: boolean;
}

export interface GitServer {
  /** The CA's certificate (PEM) when the server speaks TLS. */
  readonly ca: string | undefined;
  readonly port: number;
  /** Every request so far, refused ones included. */
  readonly requests: GitRequest[];
  /** Called before each request is served; what it does to the response replaces the normal answer when it returns true. */
  onRequest: ((request: GitRequest, response: ServerResponse) => Promise<boolean>) | undefined;
  url(repo: string): string;
  createRepo(name: string, files?: CommitFiles): Promise<GitRepository>;
  setAuth(auth: ServerAuth | undefined): void;
  stop(): Promise<void>;
}

type CommitFiles = NonNullable<Parameters<GitRepository['commit']>[0]['files']>;

/**
 * Starts a Git server (smart HTTP through git's own backend, push enabled) on the loopback address.
 *
 * @throws Error when git is not installed
 */
export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  const folder = await temporaryFolder('git');
  const requests: GitRequest[] = [];
  let auth = options.auth;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const seen = describe(request);
    requests.push(seen);
    if (!isAuthorized(request, auth)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    if (await server.onRequest?.(seen, response)) return;
    // Protocol version 2 names the command; earlier ones begin with the wanted objects.
    request.on('data', (chunk: Buffer) => {
      seen.fetchesPack ||= /command=fetch|^[0-9a-f]{4}want /.test(chunk.toString('latin1'));
    });
    serveWithGit(folder.path, request, response);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: Error) => response.destroy(error));
  };
  const authority = options.tls ? await createCertificateAuthority('git-test-ca') : undefined;
  const pair = await authority?.issue({ commonName: 'git-server', usage: 'server' });
  const http = pair ? createTlsServer(pair, listener) : createServer(listener);
  const port = await listenOnLoopback(http);
  const base = `${pair ? 'https' : 'http'}://127.0.0.1:${port}`;
  const server: GitServer = {
    ca: authority?.cert,
    port,
    requests,
    onRequest: undefined,
    url: (repo) => `${base}/${repo}.git`,
    async createRepo(name, files) {
      const repository = await createGitRepository(join(folder.path, `${name}.git`));
      if (files) await repository.commit({ files, message: 'Add files' });
      return repository;
    },
    setAuth(next) {
      auth = next;
    },
    async stop() {
      await closeServer(http);
      await folder.remove();
    },
  };
  return server;
}

function describe(request: IncomingMessage): GitRequest {
  const path = request.url ?? '/';
  const method = request.method ?? 'GET';
  return { method, path, headers: request.headers, fetchesPack: false };
}

/** Runs `git http-backend`, a CGI program: the request in its environment and stdin, the answer on stdout. */
function serveWithGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const header = (name: string) => String(request.headers[name] ?? '');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header('git-protocol'),
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
      ...(header('content-length') ? { CONTENT_LENGTH: header('content-length') } : {}),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // The client or git may hang up early: both ends see it in their own way.
  child.stdin.on('error', () => {});
  child.on('error', (error) => response.destroy(error));
  response.on('close', () => child.kill('SIGKILL'));
  request.pipe(child.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!head) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeHead(response, head.subarray(0, end).toString('latin1'));
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.stdout.on('end', () => {
    if (head) response.writeHead(500);
    response.end();
  });
}

function writeHead(response: ServerResponse, text: string): void {
  let status = 200;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}
