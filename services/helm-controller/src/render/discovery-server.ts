import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, errorMessage, LruBytes, systemClock } from '@sluice/shared/base';
import { ApiError, type KubeClient } from '@sluice/shared/kube';
import { aggregatedType, type Discovery, loadDiscovery, noGroups } from './discovery.ts';

/** What an API server answers to helm, by way of this process. */
export interface DiscoveryServer {
  /**
   * Lets one run of helm see the world of a client: what it serves, from memory, and objects as the client may read
   * them. Nothing can be written through it.
   *
   * @returns its URL, which holds a secret of its own, and what to call when helm has ended
   * @throws ApiError or ConnectionError when the API server does not tell what it serves
   */
  open(client: KubeClient, signal?: AbortSignal): Promise<DiscoverySession>;
  /** Forgets what API servers serve, because a CRD or an APIService has changed. */
  invalidate(): void;
  /**
   * Adds what the API server of a client serves since now, which it may list only later.
   *
   * @param apiVersions such as `apps/v1` and `apps/v1/Deployment`
   */
  learn(client: KubeClient, apiVersions: readonly string[]): void;
  close(): Promise<void>;
}

/** Access of one run of helm. */
export interface DiscoverySession {
  url: string;
  close(): void;
}

/** Settings of the server. */
export interface DiscoveryServerOptions {
  /** Milliseconds after which an API server is asked again what it serves. */
  maxAgeMs?: number;
  clock?: Clock;
}

interface World {
  loadedAt: number;
  discovery: Promise<Discovery>;
  /** Lists of the resources of one version, which lookups ask for, by path. */
  lists: Map<string, Promise<string>>;
}

interface Access {
  client: KubeClient;
  world: World;
  signal?: AbortSignal;
}

const json = 'application/json';

/** Enough for hundreds of clients; what each may hold is estimated from a server with some CRDs. */
const maxCacheBytes = 16 * 1024 * 1024;
const worldBytes = 64 * 1024;

const resourceList = /^\/(api\/[^/]+|apis\/[^/]+\/[^/]+)$/;

/** A failure in the form in which API servers tell it. */
function statusOf(error: unknown): { code: number; body: string } {
  const known = error instanceof ApiError ? error : undefined;
  const code = known?.status ?? 503;
  const status = {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: errorMessage(error),
    reason: known ? known.reason : 'ServiceUnavailable',
    details: known?.details,
    code,
  };
  return { code, body: JSON.stringify(status) };
}

class LoopbackServer implements DiscoveryServer {
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  #worlds = new LruBytes<World>(maxCacheBytes);
  readonly #sessions = new Map<string, Access>();
  readonly #learned = new Map<string, { names: readonly string[]; at: number }>();
  #server: Promise<Server> | undefined;

  constructor({ maxAgeMs = 10_000, clock = systemClock }: DiscoveryServerOptions) {
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
  }

  async open(client: KubeClient, signal?: AbortSignal): Promise<DiscoverySession> {
    const world = this.#worldOf(client);
    await world.discovery;
    this.#server ??= listen((request, response) => this.#answer(request, response));
    const { port } = (await this.#server).address() as AddressInfo;
    const secret = randomBytes(24).toString('hex');
    this.#sessions.set(secret, { client, world, signal });
    return {
      url: `http://127.0.0.1:${port}/${secret}`,
      close: () => void this.#sessions.delete(secret),
    };
  }

  learn({ identity }: KubeClient, apiVersions: readonly string[]): void {
    const names = [...this.#learnedOf(identity), ...apiVersions];
    this.#learned.set(identity, { names, at: this.#clock.now() });
    this.#worlds.delete(identity);
  }

  /** What was learned long ago is listed by now, or gone. */
  #learnedOf(identity: string): readonly string[] {
    const known = this.#learned.get(identity);
    if (known === undefined) return [];
    if (this.#clock.now() - known.at < this.#maxAgeMs) return known.names;
    this.#learned.delete(identity);
    return [];
  }

  invalidate(): void {
    this.#worlds = new LruBytes(maxCacheBytes);
  }

  async close(): Promise<void> {
    const server = await this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  #worldOf(client: KubeClient): World {
    const { identity } = client;
    const known = this.#worlds.get(identity);
    if (known !== undefined && this.#clock.now() - known.loadedAt < this.#maxAgeMs) return known;
    const discovery = loadDiscovery(client, this.#learnedOf(identity));
    const world: World = { loadedAt: this.#clock.now(), discovery, lists: new Map() };
    this.#worlds.set(identity, world, worldBytes);
    discovery.catch(() => {
      if (this.#worlds.get(identity) === world) this.#worlds.delete(identity);
    });
    return world;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, secret = '', rest = ''] = /^\/([^/]*)(\/.*)$/.exec(request.url ?? '') ?? [];
    const access = this.#sessions.get(secret);
    const send = (code: number, type: string, body: string) =>
      response.writeHead(code, { 'content-type': type }).end(body);
    if (access === undefined || request.method !== 'GET') {
      send(403, json, statusOf(forbidden).body);
      return;
    }
    this.#read(access, rest).then(
      ({ type, body }) => send(200, type, body),
      (error: unknown) => {
        const { code, body } = statusOf(error);
        send(code, json, body);
      },
    );
  }

  async #read(access: Access, pathAndQuery: string): Promise<{ type: string; body: string }> {
    const { world, client, signal } = access;
    const path = pathAndQuery.replace(/\?.*/, '');
    if (path === '/version') return { type: json, body: (await world.discovery).version };
    if (path === '/api') return { type: aggregatedType, body: (await world.discovery).core };
    if (path === '/apis') return { type: aggregatedType, body: noGroups };
    if (resourceList.test(path)) return { type: json, body: await listOnce(world, client, path) };
    return {
      type: json,
      body: JSON.stringify(await client.request('GET', pathAndQuery, { signal })),
    };
  }
}

const forbidden = new ApiError({
  status: 403,
  reason: 'Forbidden',
  message: 'templates may only read, and only during their own rendering',
  verb: 'GET',
  path: '',
});

/** Not ended by the signal of one rendering, since others wait for the same answer. */
function listOnce(world: World, client: KubeClient, path: string): Promise<string> {
  const known = world.lists.get(path);
  if (known !== undefined) return known;
  const list = client.request('GET', path).then((answer) => JSON.stringify(answer));
  world.lists.set(path, list);
  list.catch(() => world.lists.delete(path));
  return list;
}

function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(answer);
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server.unref()));
  });
}

/** Creates the server; it listens on the loopback address from the first use on. */
export function createDiscoveryServer(o: DiscoveryServerOptions = {}): DiscoveryServer {
  return new LoopbackServer(o);
}
