import { type Clock, LruBytes, systemClock } from '@sluice/shared/base';
import type { HelmCapabilities } from '@sluice/shared/cli';
import type { KubeClient } from '@sluice/shared/kube';

/** Knows from memory what API servers serve. */
export interface Discovery {
  /**
   * Returns what the API server of a client serves.
   *
   * @throws ApiError or ConnectionError when it does not tell
   */
  capabilitiesOf(client: KubeClient): Promise<HelmCapabilities>;
  /** Forgets what API servers serve, because a CRD or an APIService has changed. */
  invalidate(): void;
  /**
   * Adds what the API server of a client serves since now, which it may list only later.
   *
   * @param apiVersions such as `apps/v1` and `apps/v1/Deployment`
   */
  learn(client: KubeClient, apiVersions: readonly string[]): void;
}

/** Settings. */
export interface DiscoveryOptions {
  /** Milliseconds after which an API server is asked again what it serves. */
  maxAgeMs?: number;
  clock?: Clock;
}

/** Media type of an answer that lists all groups with all kinds. */
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Kind {
  responseKind?: { kind?: string };
}

/** The part of an aggregated discovery document that is read here. */
export interface DiscoveryDocument {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      /** `Stale` when the server behind an APIService does not answer. */
      freshness?: string;
      resources?: (Kind & { subresources?: Kind[] })[];
    }[];
  }[];
}

/**
 * Returns what `.Capabilities.APIVersions` of a template holds: each version of a group and each kind in it, such as
 * `apps/v1` and `apps/v1/Deployment`. Versions whose server does not answer are left out, as Helm's client does.
 */
export function apiVersionsOf(documents: readonly DiscoveryDocument[]): Set<string> {
  const found = new Set<string>();
  for (const group of documents.flatMap(({ items = [] }) => items)) {
    for (const { version, freshness, resources = [] } of group.versions ?? []) {
      if (freshness === 'Stale') continue;
      const name = group.metadata?.name ? `${group.metadata.name}/${version}` : version;
      found.add(name);
      for (const { responseKind, subresources = [] } of resources) {
        for (const kind of [responseKind?.kind, ...subresources.map((r) => r.responseKind?.kind)]) {
          if (kind) found.add(`${name}/${kind}`);
        }
      }
    }
  }
  return found;
}

async function load(client: KubeClient, learned: readonly string[]): Promise<HelmCapabilities> {
  const headers = { accept: aggregatedType, 'accept-encoding': 'gzip' };
  const [version, ...documents] = await Promise.all([
    client.request('GET', '/version'),
    client.request('GET', '/api', { headers }),
    client.request('GET', '/apis', { headers }),
  ]);
  const { gitVersion, major, minor } = version as HelmCapabilities['kubeVersion'];
  const apiVersions = apiVersionsOf(documents as DiscoveryDocument[]);
  for (const name of learned) apiVersions.add(name);
  return { kubeVersion: { gitVersion, major, minor }, apiVersions: [...apiVersions].sort() };
}

interface World {
  loadedAt: number;
  capabilities: Promise<HelmCapabilities>;
}

/** Enough for hundreds of clients; what each may hold is estimated from a server with some CRDs. */
const maxCacheBytes = 16 * 1024 * 1024;
const worldBytes = 64 * 1024;

class CachedDiscovery implements Discovery {
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  #worlds = new LruBytes<World>(maxCacheBytes);
  readonly #learned = new Map<string, { names: readonly string[]; at: number }>();

  constructor({ maxAgeMs = 10_000, clock = systemClock }: DiscoveryOptions) {
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
  }

  capabilitiesOf(client: KubeClient): Promise<HelmCapabilities> {
    const { identity } = client;
    const known = this.#worlds.get(identity);
    if (known !== undefined && this.#clock.now() - known.loadedAt < this.#maxAgeMs)
      return known.capabilities;
    const capabilities = load(client, this.#learnedOf(identity));
    const world: World = { loadedAt: this.#clock.now(), capabilities };
    this.#worlds.set(identity, world, worldBytes);
    capabilities.catch(() => {
      if (this.#worlds.get(identity) === world) this.#worlds.delete(identity);
    });
    return capabilities;
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
}

/** Creates it; nothing is asked before the first use. */
export function createDiscovery(o: DiscoveryOptions = {}): Discovery {
  return new CachedDiscovery(o);
}
