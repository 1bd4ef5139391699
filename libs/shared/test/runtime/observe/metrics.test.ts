import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../../src/runtime/observe/metrics.ts';
import type { Settlement } from '../../../src/runtime/outcome.ts';

const object: GitRepository = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'app', namespace: 'ns' },
  spec: { url: 'http://localhost/app', interval: '1m' },
};
const requeue = { how: 'never', forget: true } as const;
const success: Settlement = { result: 'success', terminal: false, requeue };
const stalled: Settlement = { result: 'error', terminal: true, requeue };

let metrics: Metrics;

async function value(name: string, labels: object = {}): Promise<number | undefined> {
  const [metric] = (await metrics.registry.getMetricsAsJSON()).filter((m) =>
    name.startsWith(m.name),
  );
  const samples = metric?.values as { value: number; labels: object; metricName?: string }[];
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return samples?.find(
    (s) =>
      (s.metricName ?? metric?.name) === name &&
      JSON.stringify(Object.entries(s.labels).sort()) === wanted,
  )?.value;
}

beforeEach(() => {
  metrics = createMetrics('source-controller');
});

describe('metrics', () => {
  it('count reconciles by result, under the names of controller-runtime', async () => {
    const controller = metrics.forController(gitRepositoryKind);
    controller.begin(object)(success);
    controller.begin(object)(stalled);
    controller.begin(object)(undefined);
    const labels = { controller: 'gitrepository' };
    const total = 'controller_runtime_reconcile_total';
    expect(await value(total, { ...labels, result: 'success' })).toBe(1);
    expect(await value(total, { ...labels, result: 'error' })).toBe(2);
    expect(await value('controller_runtime_reconcile_errors_total', labels)).toBe(2);
    expect(await value('controller_runtime_terminal_reconcile_errors_total', labels)).toBe(1);
    expect(await value('controller_runtime_reconcile_panics_total', labels)).toBe(1);
    expect(await value('controller_runtime_reconcile_time_seconds_count', labels)).toBe(3);
  });

  it('count running reconciles', async () => {
    const controller = metrics.forController(gitRepositoryKind);
    controller.concurrency(4);
    const end = controller.begin(object);
    const labels = { controller: 'gitrepository' };
    expect(await value('controller_runtime_active_workers', labels)).toBe(1);
    end(success);
    expect(await value('controller_runtime_active_workers', labels)).toBe(0);
    expect(await value('controller_runtime_max_concurrent_reconciles', labels)).toBe(4);
  });

  it('keep the durations of an object until it is deleted', async () => {
    const controller = metrics.forController(gitRepositoryKind);
    controller.begin(object)(success);
    const labels = { kind: 'GitRepository', name: 'app', namespace: 'ns' };
    const name = 'gotk_reconcile_duration_seconds_count';
    expect(await value(name, labels)).toBe(1);
    controller.forget(object.metadata);
    expect(await value(name, labels)).toBeUndefined();
  });

  it('have ten buckets from 10 ms to 30 min for the durations', async () => {
    metrics.forController(gitRepositoryKind).begin(object)(success);
    const text = await metrics.registry.getSingleMetricAsString('gotk_reconcile_duration_seconds');
    const buckets = [...text.matchAll(/le="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(buckets).toHaveLength(10);
    expect(buckets[0]).toBeCloseTo(0.01);
    expect(buckets[1]).toBeCloseTo(0.0384, 4);
    expect(buckets[9]).toBeCloseTo(1800);
  });

  it('describe the work queue', async () => {
    const { queue } = metrics.forController(gitRepositoryKind);
    const labels = { name: 'gitrepository', controller: 'gitrepository' };
    let queued = 1;
    queue.opened((priority) => (priority === 'request' ? queued : 0));
    queue.added();
    expect(await value('workqueue_depth', { ...labels, priority: '100' })).toBe(1);
    expect(await value('workqueue_depth', { ...labels, priority: '-100' })).toBe(0);
    queued = 0;
    queue.taken('ns/app', 2000);
    queue.retried();
    expect(await value('workqueue_depth', { ...labels, priority: '100' })).toBe(0);
    expect(await value('workqueue_queue_duration_seconds_sum', labels)).toBe(2);
    expect(await value('workqueue_unfinished_work_seconds', labels)).toBeGreaterThan(0);
    expect(await value('workqueue_longest_running_processor_seconds', labels)).toBeGreaterThan(0);
    queue.finished('ns/app');
    expect(await value('workqueue_unfinished_work_seconds', labels)).toBe(0);
    expect(await value('workqueue_work_duration_seconds_count', labels)).toBe(1);
    expect(await value('workqueue_adds_total', labels)).toBe(1);
    expect(await value('workqueue_retries_total', labels)).toBe(1);
  });

  it('count the requests to the API server', async () => {
    const host = '10.0.0.1:443';
    metrics.apiRequest({ method: 'GET', code: '200', host });
    metrics.apiRequest({ method: 'GET', code: 200, host });
    expect(await value('rest_client_requests_total', { method: 'GET', code: '200', host })).toBe(2);
  });

  it('tell a bounded number of API servers apart', async () => {
    for (let i = 0; i < 150; i++) {
      metrics.apiRequest({ method: 'GET', code: 200, host: `tenant-${i}` });
    }
    const labels = { method: 'GET', code: '200', host: 'other' };
    expect(await value('rest_client_requests_total', labels)).toBe(50);
  });

  it('have what dashboards query about the process, and the delay of the event loop', async () => {
    const text = await metrics.registry.metrics();
    for (const name of ['process_cpu_seconds_total', 'go_info', 'go_memstats_alloc_bytes']) {
      expect(text).toMatch(new RegExp(`^${name}[ {]`, 'm'));
    }
    expect(text).toMatch(/^sluice_event_loop_delay_seconds\{quantile="0.99"\} \d/m);
  });
});
