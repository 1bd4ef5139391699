import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  request as proxyRequest,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { request } from 'undici';
import { type CertificatePair, createCertificateAuthority } from './certificates.ts';
import { temporaryFolder } from './guard.ts';
import { closeServer, isAuthorized, listenOnLoopback } from './http-auth.ts';
import { freePorts } from './ports.ts';
import { type Descriptor, type PushOptions, pushToRegistry } from './registry-push.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

export interface RegistryOptions {
  /**
   * Credentials a client must have; anonymous when absent. With `via: 'token'` the registry sends clients
   * to a token server that takes these credentials and answers with a bearer token.
   */
  auth?: { username: string; password: string; via?: 'basic' | 'token' };
  /**
   * Serve https with a certificate of a CA made for this registry; see `Registry.ca`. When mutual, clients need a
   * certificate of that CA: `Registry.client`.
   */
  tls?: boolean | 'mutual';
}

export interface RegistryRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingMessage['headers'];
}

export interface Registry {
  /** Host and port, as in an image reference. */
  readonly host: string;
  /** `oci://` and the host. */
  readonly ociUrl: string;
  readonly ca: string | undefined;
  /** What a client may show where TLS is mutual. */
  readonly client: CertificatePair | undefined;
  /** Every request of clients so far, refused ones and those to the token server included. */
  readonly requests: RegistryRequest[];
  /** Called before each request is served; returns true when it has answered itself. */
  onRequest: ((request: RegistryRequest, response: ServerResponse) => boolean) | undefined;
  /** Uploads an artifact, needing no credentials; returns the manifest's digest. */
  pushArtifact(options: PushOptions): Promise<string>;
  /** The same, with media type and size, for a referrer's `subject`. */
  push(options: PushOptions): Promise<Descriptor>;
  stop(): Promise<void>;
}

/** Starts an OCI registry on the loopback address: the distribution registry behind a door that checks credentials. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const folder = await temporaryFolder('registry');
  const [backendPort = 0] = await freePorts(1);
  const backend = await startBackend(folder.path, backendPort);
  const backendUrl = `http://127.0.0.1:${backendPort}`;
  const requests: RegistryRequest[] = [];
  const token = randomUUID();
  const authority = options.tls ? await createCertificateAuthority('registry-test-ca') : undefined;
  const pair = await authority?.issue({ commonName: 'registry', usage: 'server' });
  const client = await authority?.issue({ commonName: 'client', usage: 'client' });
  const isMutual = options.tls === 'mutual';
  const trust = { ca: authority?.cert, requestCert: isMutual, rejectUnauthorized: isMutual };
  const server = pair ? createTlsServer({ ...pair, ...trust }) : createServer();
  const port = await listenOnLoopback(server);
  const host = `127.0.0.1:${port}`;
  const scheme = pair ? 'https' : 'http';
  server.on('request', (incoming, response) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    requests.push({ method, path, headers });
    if (registry.onRequest?.({ method, path, headers }, response)) return;
    if (path.startsWith('/token')) giveToken(incoming, response, { options, token });
    else if (!isAllowed(incoming, options, token)) refuse(response, options, `${scheme}://${host}`);
    else forward(backendPort, scheme, incoming, response);
  });
  const push = (what: PushOptions) => pushToRegistry(backendUrl, what);
  const registry: Registry = {
    host,
    ociUrl: `oci://${host}`,
    ca: authority?.cert,
    client,
    requests,
    onRequest: undefined,
    push,
    pushArtifact: async (what) => (await push(what)).digest,
    async stop() {
      await closeServer(server);
      await backend.kill();
      await folder.remove();
    },
  };
  return registry;
}

async function startBackend(dir: string, port: number): Promise<ServerProcess> {
  const configFile = join(dir, 'config.json');
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}`, relativeurls: true },
  };
  await writeFile(configFile, JSON.stringify(config));
  const backend = new ServerProcess({
    file: toolPath('registry'),
    args: ['serve', configFile],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    logFile: join(dir, 'registry.log'),
    isReady: () =>
      request(`http://127.0.0.1:${port}/v2/`).then(
        async (reply) => {
          await reply.body.dump();
          return reply.statusCode === 200;
        },
        () => false,
      ),
  });
  await backend.start();
  return backend;
}

function isAllowed(incoming: IncomingMessage, options: RegistryOptions, token: string): boolean {
  if (!options.auth) return true;
  return isAuthorized(
    incoming,
    options.auth.via === 'token' ? { bearerToken: token } : options.auth,
  );
}

function refuse(response: ServerResponse, options: RegistryOptions, url: string): void {
  const challenge =
    options.auth?.via === 'token'
      ? `Bearer realm="${url}/token",service="registry"`
      : 'Basic realm="registry"';
  const body = { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] };
  response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** @see https://distribution.github.io/distribution/spec/auth/token/ */
function giveToken(
  incoming: IncomingMessage,
  response: ServerResponse,
  { options, token }: { options: RegistryOptions; token: string },
): void {
  if (!isAuthorized(incoming, options.auth)) {
    response.writeHead(401).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }));
}

function forward(
  port: number,
  scheme: string,
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const { authorization: _, ...headers } = incoming.headers;
  const outgoing = proxyRequest(
    {
      port,
      host: '127.0.0.1',
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, 'x-forwarded-proto': scheme },
    },
    (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    },
  );
  outgoing.on('error', (error) => response.destroy(error));
  incoming.pipe(outgoing);
}
