import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueObserver } from './queue.ts';

/** Buckets from 10 ns, each ten times the one before, as controller-runtime has them. */
const buckets = Array.from({ length: 12 }, (_, i) => 10e-9 * 10 ** i);

/** Registers the work queue metrics and returns what makes an observer for each queue. */
export function registerQueueMetrics(registry: Registry): {
  observer(name: string): QueueObserver;
} {
  const running = new Map<string, Map<string, number>>();
  const metrics = flowMetrics([registry]);
  registerRunning([registry], running);
  return {
    observer(name) {
      const started = new Map<string, number>();
      running.set(name, started);
      return observe(name, started, metrics);
    },
  };
}

function flowMetrics(registers: Registry[]) {
  const labelNames = ['name', 'controller'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name: `workqueue_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `workqueue_${name}`, help, labelNames, buckets, registers });
  return {
    adds: counter('adds_total', 'Keys added to the queue.'),
    retries: counter('retries_total', 'Keys added again after a failure.'),
    depth: new Gauge({
      name: 'workqueue_depth',
      help: 'Keys in the queue.',
      labelNames,
      registers,
    }),
    queued: histogram('queue_duration_seconds', 'Time keys spent in the queue.'),
    worked: histogram('work_duration_seconds', 'Time spent working on a key.'),
  };
}

/** `started` holds the time at which each running key was taken. */
function observe(
  name: string,
  started: Map<string, number>,
  metrics: ReturnType<typeof flowMetrics>,
): QueueObserver {
  const labels = { name, controller: name };
  metrics.adds.inc(labels, 0);
  metrics.retries.inc(labels, 0);
  metrics.depth.set(labels, 0);
  return {
    added(length) {
      metrics.adds.inc(labels);
      metrics.depth.set(labels, length);
    },
    taken(key, waitedMs, length) {
      started.set(key, performance.now());
      metrics.depth.set(labels, length);
      metrics.queued.observe(labels, waitedMs / 1000);
    },
    finished(key) {
      const since = started.get(key);
      started.delete(key);
      if (since !== undefined) metrics.worked.observe(labels, (performance.now() - since) / 1000);
    },
    retried: () => metrics.retries.inc(labels),
  };
}

/** Registers the metrics of unfinished work, computed when they are read. */
function registerRunning(registers: Registry[], running: Map<string, Map<string, number>>): void {
  const gauge = (name: string, help: string, combine: (seconds: number[]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['name', 'controller'],
      registers,
      collect() {
        for (const [queue, started] of running) {
          const seconds = [...started.values()].map((at) => (performance.now() - at) / 1000);
          this.set({ name: queue, controller: queue }, combine(seconds));
        }
      },
    });
  gauge('workqueue_unfinished_work_seconds', 'Time spent so far on running keys, summed.', (all) =>
    all.reduce((sum, s) => sum + s, 0),
  );
  gauge('workqueue_longest_running_processor_seconds', 'Time of the longest running key.', (all) =>
    Math.max(0, ...all),
  );
}
