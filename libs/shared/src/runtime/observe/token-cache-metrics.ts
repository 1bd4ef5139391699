import { Counter, Gauge, type Registry } from 'prom-client';

/** The object for which a token is needed. */
export interface TokenUser {
  kind: string;
  name: string;
  namespace: string;
}

/** Hears what happens in the caches of access tokens. */
export interface TokenCacheMetrics {
  /** A token was needed, and was there or was not. */
  used(event: 'cache_hit' | 'cache_miss', user: TokenUser): void;
  /** A token was asked of its server. */
  requested(status: 'success' | 'failure'): void;
  /** A token was dropped before its time for want of space. */
  evicted(): void;
  /** By how many more, or fewer, tokens are kept. */
  changed(by: number): void;
  /** Drops what is kept for a deleted object. */
  forget(user: TokenUser): void;
}

/** What tokens are needed for; Flux has `reconcile` and one for each kind of webhook. */
const operation = 'reconcile';

/** Registers the metrics of access tokens, under the names that Flux has for them. */
export function registerTokenCacheMetrics(registry: Registry): TokenCacheMetrics {
  const registers = [registry];
  const events = new Counter({
    name: 'gotk_token_cache_events_total',
    help: 'Uses of access tokens, by whether the token was kept in memory.',
    labelNames: ['event_type', 'kind', 'name', 'namespace', 'operation'],
    registers,
  });
  const requests = new Counter({
    name: 'gotk_token_cache_requests_total',
    help: 'Requests for access tokens by their end.',
    labelNames: ['status'],
    registers,
  });
  for (const status of ['success', 'failure']) requests.inc({ status }, 0);
  const evictions = new Counter({
    name: 'gotk_token_cache_evictions_total',
    help: 'Access tokens that were dropped before their time for want of space.',
    registers,
  });
  const items = new Gauge({
    name: 'gotk_token_cached_items',
    help: 'Access tokens that are kept in memory.',
    registers,
  });
  return {
    used: (event_type, user) => events.inc({ event_type, ...user, operation }),
    requested: (status) => requests.inc({ status }),
    evicted: () => evictions.inc(),
    changed: (by) => items.inc(by),
    forget(user) {
      for (const event_type of ['cache_hit', 'cache_miss'])
        events.remove({ event_type, ...user, operation });
    },
  };
}
