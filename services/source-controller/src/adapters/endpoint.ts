import { rootCertificates } from 'node:tls';
import { sha256Hex } from '@sluice/shared/base';
import {
  type ByteRate,
  createDispatcher,
  type DefaultProxy,
  type NamedProxy,
  type NetworkGuard,
  paceAnswers,
} from '@sluice/shared/net';
import type { Dispatcher } from 'undici';

/** How a server is reached, besides its address. */
export interface Endpoint {
  /** PEM texts; `ca` is trusted in addition to the well-known authorities. */
  tls?: { ca?: string; cert?: string; key?: string };
  proxy?: NamedProxy;
}

const connectionsPerServer = 16;
const connectTimeoutMs = 15_000;
/** Connection pools with settings of their own; the least recently used is closed beyond this number. */
const maxPools = 64;

/** Connection pools, one for each way to reach servers. Pools are shared only among equal settings. */
export class Endpoints {
  readonly #guard: NetworkGuard;
  readonly #rate: ByteRate;
  readonly #default: Dispatcher;
  readonly #pools = new Map<string, Dispatcher>();

  /**
   * @param rate at which a namespace takes in answers while others do as well
   * @param defaultProxy for objects that name none
   */
  constructor(guard: NetworkGuard, rate: ByteRate, defaultProxy: DefaultProxy = {}) {
    this.#guard = guard;
    this.#rate = rate;
    this.#default = createPool(guard, {}, defaultProxy);
  }

  /**
   * Returns the pool for an endpoint.
   *
   * @param share whose part of the rate the answers take, such as a namespace
   */
  dispatcherFor(endpoint: Endpoint, share: string): Dispatcher {
    return paceAnswers(this.#poolFor(endpoint), { rate: this.#rate, share });
  }

  #poolFor(endpoint: Endpoint): Dispatcher {
    if (endpoint.tls === undefined && endpoint.proxy === undefined) return this.#default;
    const id = endpointId(endpoint);
    const pool = this.#pools.get(id) ?? createPool(this.#guard, endpoint);
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

function createPool(
  guard: NetworkGuard,
  { tls, proxy }: Endpoint,
  defaultProxy?: DefaultProxy,
): Dispatcher {
  const { ca, cert, key } = tls ?? {};
  return createDispatcher({
    guard,
    connections: connectionsPerServer,
    connectTimeoutMs,
    ...(tls !== undefined && {
      tls: {
        ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
        ...(cert !== undefined && { cert, key }),
      },
    }),
    ...(proxy !== undefined && { proxy }),
    ...(defaultProxy !== undefined && { defaultProxy }),
  });
}
