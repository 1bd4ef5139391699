import type { KindDefinition, KubeObject } from '@sluice/shared/api';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Settlement } from '../outcome.ts';
import type { QueueObserver } from '../queue/queue.ts';
import { isSuspended } from '../status/conditions.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { registerQueueMetrics } from './queue-metrics.ts';
import { type ResourceSource, registerResourceMetrics } from './resource-metrics.ts';
import { registerTokenCacheMetrics, type TokenCacheMetrics } from './token-cache-metrics.ts';
import { registerWatchMetrics, type WatchMetrics } from './watch-metrics.ts';

/** Measures one kind's reconciles. */
export interface ControllerMetrics {
  queue: QueueObserver;
  concurrency(workers: number): void;
  /** Says that a reconcile begins; the returned function says how it ended. Undefined: a bug in the runtime. */
  begin(object: KubeObject): (settlement: Settlement | undefined) => void;
  /** Tells about the conditions and intervals of the objects that the function returns. */
  describe(objects: () => readonly KubeObject[]): void;
  /** Drops what is kept for a deleted object. */
  forget(key: { name: string; namespace?: string }): void;
}

/** The metrics of a process. */
export interface Metrics {
  readonly registry: Registry;
  /** Of the caches of access tokens. */
  readonly tokens: TokenCacheMetrics;
  /** Of the watches that the process works by. */
  readonly watches: WatchMetrics;
  forController(kind: KindDefinition): ControllerMetrics;
  /** Counts a request to an API server; fits the client's `onRequest`. */
  apiRequest(request: { method: string; code: number | string; host: string }): void;
  /** Says whether this process holds a Lease. */
  leader(lease: string, leads: boolean): void;
}

/** API servers that are told apart; kubeconfigs of tenants may name any number. */
const maxHosts = 100;

/** Buckets between 10 ms and 30 min, evenly spread on a logarithmic scale. */
const reconcileBuckets = Array.from({ length: 10 }, (_, i) => 0.01 * (1800 / 0.01) ** (i / 9));

const controllerBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/**
 * Makes the metrics of a process, under the names that Flux's dashboards query.
 *
 * @param controllerName the service, such as `kustomize-controller`; label of the build information
 */
export function createMetrics(controllerName: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  registerProcessMetrics(registry, controllerName);
  const queueMetrics = registerQueueMetrics(registry);
  const reconciles = reconcileMetrics(registers);
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to API servers by method, status code and host.',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  const hosts = new Set<string>();
  const bounded = (host: string) => {
    if (hosts.size < maxHosts) hosts.add(host);
    return hosts.has(host) ? host : 'other';
  };
  const leaders = new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process holds the Lease: 1 or 0.',
    labelNames: ['name'],
    registers,
  });
  const parts = {
    reconciles,
    queueMetrics,
    describe: registerResourceMetrics(registry),
    tokens: registerTokenCacheMetrics(registry),
  };
  return {
    registry,
    tokens: parts.tokens,
    watches: registerWatchMetrics(registry),
    forController: (kind) => forController(kind, parts),
    apiRequest: ({ method, code, host }) =>
      requests.inc({ method, code: String(code), host: bounded(host) }),
    leader: (name, leads) => leaders.set({ name }, leads ? 1 : 0),
  };
}

type ReconcileMetrics = ReturnType<typeof reconcileMetrics>;

function reconcileMetrics(registers: Registry[]) {
  const labelNames = ['controller'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name: `controller_runtime_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `controller_runtime_${name}`, help, labelNames, registers });
  return {
    duration: new Histogram({
      name: 'gotk_reconcile_duration_seconds',
      help: 'Duration of the reconciles of an object.',
      labelNames: ['kind', 'name', 'namespace'],
      buckets: reconcileBuckets,
      registers,
    }),
    total: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by result.',
      labelNames: ['controller', 'result'],
      registers,
    }),
    errors: counter('reconcile_errors_total', 'Reconciles that failed.'),
    terminal: counter('terminal_reconcile_errors_total', 'Reconciles that stalled.'),
    panics: counter('reconcile_panics_total', 'Reconciles that ended by a bug in the runtime.'),
    timeouts: counter(
      'reconcile_timeouts_total',
      'Reconciles cut off by the runtime; it never does.',
    ),
    time: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Duration of reconciles.',
      labelNames,
      buckets: controllerBuckets,
      registers,
    }),
    workers: gauge('max_concurrent_reconciles', 'Reconciles that may run at once.'),
    active: gauge('active_workers', 'Reconciles that run now.'),
  };
}

interface Parts {
  reconciles: ReconcileMetrics;
  queueMetrics: ReturnType<typeof registerQueueMetrics>;
  describe(source: ResourceSource): void;
  tokens: TokenCacheMetrics;
}

function forController(kind: KindDefinition, parts: Parts): ControllerMetrics {
  const { reconciles: m } = parts;
  const controller = kind.kind.toLowerCase();
  for (const result of ['success', 'requeue', 'requeue_after', 'error']) {
    m.total.inc({ controller, result }, 0);
  }
  for (const counter of [m.errors, m.terminal, m.panics, m.timeouts])
    counter.inc({ controller }, 0);
  m.active.set({ controller }, 0);
  const lastSuccess = new Map<string, number>();
  return {
    queue: parts.queueMetrics.observer(controller),
    concurrency: (workers) => m.workers.set({ controller }, workers),
    describe: (objects) => parts.describe({ kind: kind.kind, objects, lastSuccess }),
    begin(object) {
      const startedAt = performance.now();
      m.active.inc({ controller });
      return (settlement) => {
        const seconds = (performance.now() - startedAt) / 1000;
        const { name, namespace = '' } = object.metadata;
        m.active.dec({ controller });
        m.time.observe({ controller }, seconds);
        if (!isSuspended(object)) m.duration.observe({ kind: kind.kind, name, namespace }, seconds);
        if (settlement?.succeeded) lastSuccess.set(`${namespace}/${name}`, Date.now());
        countEnd(m, controller, settlement);
      };
    },
    forget({ name, namespace = '' }) {
      m.duration.remove({ kind: kind.kind, name, namespace });
      lastSuccess.delete(`${namespace}/${name}`);
      parts.tokens.forget({ kind: kind.kind, name, namespace });
    },
  };
}

function countEnd(
  m: ReconcileMetrics,
  controller: string,
  settlement: Settlement | undefined,
): void {
  m.total.inc({ controller, result: settlement?.result ?? 'error' });
  if (!settlement) m.panics.inc({ controller });
  if (settlement?.result === 'error' || !settlement) m.errors.inc({ controller });
  if (settlement?.terminal) m.terminal.inc({ controller });
}
