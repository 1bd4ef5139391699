import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { priorities } from '../queue/priority.ts';
import type { QueueObserver } from '../queue/queue.ts';
import type { Priority } from '../reconciler.ts';

/** Buckets from 10 ns, each ten times the one before, as controller-runtime has them. */
const buckets = Array.from({ length: 12 }, (_, i) => 10e-9 * 10 ** i);

/** Priorities as controller-runtime shows them: numbers, 0 for a change and -100 for what nobody waits for. */
const shownPriorities: Record<Priority, string> = {
  request: '100',
  drift: '50',
  progress: '25',
  change: '0',
  sync: '-100',
};

type LengthOf = (priority: Priority) => number;

/** Registers the work queue metrics and returns what makes an observer for each queue. */
export function registerQueueMetrics(registry: Registry): {
  observer(name: string): QueueObserver;
} {
  const running = new Map<string, Map<string, number>>();
  const lengths = new Map<string, LengthOf>();
  const metrics = flowMetrics([registry]);
  registerDepth([registry], lengths);
  registerRunning([registry], running);
  return {
    observer(name) {
      const started = new Map<string, number>();
      running.set(name, started);
      const opened = (lengthOf: LengthOf) => void lengths.set(name, lengthOf);
      return { opened, ...observe(name, started, metrics) };
    },
  };
}

/** Registers the depth of the queues, computed when it is read. */
function registerDepth(registers: Registry[], lengths: ReadonlyMap<string, LengthOf>): void {
  new Gauge({
    name: 'workqueue_depth',
    help: 'Keys in the queue by priority.',
    labelNames: ['name', 'controller', 'priority'],
    registers,
    collect() {
      for (const [name, lengthOf] of lengths) {
        for (const priority of priorities) {
          const labels = { name, controller: name, priority: shownPriorities[priority] };
          this.set(labels, lengthOf(priority));
        }
      }
    },
  });
}

function flowMetrics(registers: Registry[]) {
  const labelNames = ['name', 'controller'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name: `workqueue_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `workqueue_${name}`, help, labelNames, buckets, registers });
  return {
    adds: counter('adds_total', 'Keys added to the queue.'),
    retries: counter('retries_total', 'Keys added with a delay, after failures and otherwise.'),
    queued: histogram('queue_duration_seconds', 'Time keys spent in the queue.'),
    worked: histogram('work_duration_seconds', 'Time spent working on a key.'),
  };
}

/** `started` holds the time at which each running key was taken. */
function observe(
  name: string,
  started: Map<string, number>,
  metrics: ReturnType<typeof flowMetrics>,
): Omit<QueueObserver, 'opened'> {
  const labels = { name, controller: name };
  metrics.adds.inc(labels, 0);
  metrics.retries.inc(labels, 0);
  return {
    added: () => metrics.adds.inc(labels),
    taken(key, waitedMs) {
      started.set(key, performance.now());
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
