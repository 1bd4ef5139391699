import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** How finely the event-loop delay is measured, in milliseconds. */
const resolutionMs = 10;

/**
 * Registers what concerns the process: `process_*` and `nodejs_*`, the two Go metrics that Flux's dashboards
 * query, and the delay of the event loop since the last time the metrics were read.
 */
export function registerProcessMetrics(registry: Registry, controllerName: string): void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'sluice_build_info',
    help: 'The running service and its runtime; always 1.',
    labelNames: ['controller', 'node'],
    registers,
  }).set({ controller: controllerName, node: process.version }, 1);
  new Gauge({
    name: 'go_info',
    help: 'Language runtime, under the name that dashboards query; always 1.',
    labelNames: ['version'],
    registers,
  }).set({ version: `node ${process.version}` }, 1);
  new Gauge({
    name: 'go_memstats_alloc_bytes',
    help: 'Bytes of heap in use, under the name that dashboards query.',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  registerEventLoopDelay(registers);
}

function registerEventLoopDelay(registers: Registry[]): void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  new Gauge({
    name: 'sluice_event_loop_delay_seconds',
    help: 'How late the event loop ran its timers since the metrics were last read, by quantile.',
    labelNames: ['quantile'],
    registers,
    collect() {
      // The histogram counts the timer's own period as well, which is no delay.
      const late = (nanoseconds: number) =>
        Math.max(0, (nanoseconds || 0) / 1e9 - resolutionMs / 1000);
      this.set({ quantile: '0.5' }, late(delay.percentile(50)));
      this.set({ quantile: '0.99' }, late(delay.percentile(99)));
      this.set({ quantile: '1' }, late(delay.max));
      delay.reset();
    },
  });
}
