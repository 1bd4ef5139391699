import { Counter, type Registry } from 'prom-client';

/** Counts how often an index was found in memory; for the repository with that stored artifact. */
export type CountCacheUse = (event: 'cache_hit' | 'cache_miss', artifactPath: string) => void;

/** Registers the metrics of the cache of Helm indexes. */
export function createCacheMetrics(registry: Registry): CountCacheUse {
  const events = new Counter({
    name: 'gotk_cache_events_total',
    help: 'Uses of the Helm index of a repository, by whether it was kept in memory.',
    labelNames: ['event_type', 'name', 'namespace'],
    registers: [registry],
  });
  return (event, artifactPath) => {
    const [, namespace = '', name = ''] = artifactPath.split('/');
    events.inc({ event_type: event, name, namespace });
  };
}
