import { Counter, type Registry } from 'prom-client';

const events = ['cache_hit', 'cache_miss'] as const;

/** Counts how often an index was found in memory. */
export interface CacheMetrics {
  /** For the repository with that stored artifact. */
  used(event: (typeof events)[number], artifactPath: string): void;
  /** Drops what is kept for a deleted repository. */
  forget(repository: { namespace?: string; name: string }): void;
}

/** Registers the metrics of the cache of Helm indexes. */
export function createCacheMetrics(registry: Registry): CacheMetrics {
  const counter = new Counter({
    name: 'gotk_cache_events_total',
    help: 'Uses of the Helm index of a repository, by whether it was kept in memory.',
    labelNames: ['event_type', 'name', 'namespace'],
    registers: [registry],
  });
  return {
    used(event, artifactPath) {
      const [, namespace = '', name = ''] = artifactPath.split('/');
      counter.inc({ event_type: event, name, namespace });
    },
    forget({ namespace = '', name }) {
      for (const event_type of events) counter.remove({ event_type, name, namespace });
    },
  };
}
