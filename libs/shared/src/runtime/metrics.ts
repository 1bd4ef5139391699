import type { KindDefinition, KubeObject } from '@sluice/shared/api';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Settlement } from './outcome.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import type { QueueObserver } from './queue.ts';
import { registerQueueMetrics } from './queue-metrics.ts';

/** Measures one kind's reconciles. */
export interface ControllerMetrics {
  queue: QueueObserver;
  concurrency(workers: number): void;
  /** Says that a reconcile begins; the returned function says how it ended. Undefined: a bug in the runtime. */
  begin(object: KubeObject): (settlement: Settlement | undefined) => void;
  /** Drops what is kept for a deleted object. */
  forget(key: { name: string; namespace?: string }): void;
}

/** The metrics of a process. */
export interface Metrics {
  readonly registry: Registry;
  forController(kind: KindDefinition): ControllerMetrics;
  /** Counts a request to the API server; fits the client's `onRequest`. */
  apiRequest(request: { method: string; code: number | string }): void;
}

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
    help: 'Requests to the API server by method and status code.',
    labelNames: ['code', 'method'],
    registers,
  });
  return {
    registry,
    forController: (kind) => forController(kind, reconciles, queueMetrics),
    apiRequest: ({ method, code }) => requests.inc({ method, code: String(code) }),
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

function forController(
  kind: KindDefinition,
  m: ReconcileMetrics,
  queueMetrics: ReturnType<typeof registerQueueMetrics>,
): ControllerMetrics {
  const controller = kind.kind.toLowerCase();
  for (const result of ['success', 'requeue', 'requeue_after', 'error']) {
    m.total.inc({ controller, result }, 0);
  }
  for (const counter of [m.errors, m.terminal, m.panics]) counter.inc({ controller }, 0);
  m.active.set({ controller }, 0);
  return {
    queue: queueMetrics.observer(controller),
    concurrency: (workers) => m.workers.set({ controller }, workers),
    begin(object) {
      const startedAt = performance.now();
      m.active.inc({ controller });
      return (settlement) => {
        const seconds = (performance.now() - startedAt) / 1000;
        const { name, namespace = '' } = object.metadata;
        m.active.dec({ controller });
        m.time.observe({ controller }, seconds);
        m.duration.observe({ kind: kind.kind, name, namespace }, seconds);
        m.total.inc({ controller, result: settlement?.result ?? 'error' });
        if (!settlement) m.panics.inc({ controller });
        if (settlement?.result === 'error' || !settlement) m.errors.inc({ controller });
        if (settlement?.terminal) m.terminal.inc({ controller });
      };
    },
    forget: ({ name, namespace = '' }) => m.duration.remove({ kind: kind.kind, name, namespace }),
  };
}
