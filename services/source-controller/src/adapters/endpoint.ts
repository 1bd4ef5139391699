import { rootCertificates } from 'node:tls';
import { sha256Hex } from '@sluice/shared/base';
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';

/** How a server is reached, besides its address. */
export interface Endpoint {
  /** PEM texts; `ca` is trusted in addition to the well-known authorities. */
  tls?: { ca?: string; cert?: string; key?: string };
  proxy?: { address: string; username?: string; password?: string };
}

/** Proxies for objects that name none, as other programs read them from the environment. */
export interface DefaultProxy {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
}

const connectionsPerServer = 16;
const connectTimeoutMs = 15_000;
/** Connection pools with settings of their own; the least recently used is closed beyond this number. */
const maxPools = 64;

/** Connection pools, one for each way to reach servers. Pools are shared only among equal settings. */
export class Endpoints {
  readonly #default: Dispatcher;
  readonly #pools = new Map<string, Dispatcher>();

  constructor(proxy: DefaultProxy = {}) {
    const common = { connections: connectionsPerServer, connectTimeout: connectTimeoutMs };
    this.#default =
      proxy.httpProxy || proxy.httpsProxy
        ? new EnvHttpProxyAgent({ ...common, ...proxy })
        : new Agent(common);
  }

  /** Returns the pool for an endpoint. */
  dispatcherFor(endpoint: Endpoint): Dispatcher {
    if (endpoint.tls === undefined && endpoint.proxy === undefined) return this.#default;
    const id = endpointId(endpoint);
    const pool = this.#pools.get(id) ?? createPool(endpoint);
    this.#pools.delete(id);
    this.#pools.set(id, pool);
    for (const [oldest, unused] of this.#pools) {
      if (this.#pools.size <= maxPools) break;
      this.#pools.delete(oldest);
      // Graceful: running requests end first.
      unused.close().catch(() => undefined);
    }
    return pool;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const pools = [this.#default, ...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

/** Identifies settings without revealing them. */
export function endpointId(endpoint: Endpoint): string {
  return sha256Hex(JSON.stringify([endpoint.tls ?? null, endpoint.proxy ?? null]));
}

function createPool(endpoint: Endpoint): Dispatcher {
  const { ca, cert, key } = endpoint.tls ?? {};
  const tls = {
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    ...(cert !== undefined && { cert, key }),
    timeout: connectTimeoutMs,
  };
  const { proxy } = endpoint;
  if (proxy === undefined) return new Agent({ connections: connectionsPerServer, connect: tls });
  const login = `${proxy.username ?? ''}:${proxy.password ?? ''}`;
  return new ProxyAgent({
    uri: proxy.address,
    requestTls: tls,
    connections: connectionsPerServer,
    ...(login !== ':' && { token: `Basic ${Buffer.from(login).toString('base64')}` }),
  });
}
