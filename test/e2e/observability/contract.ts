import type { ProgramName } from '@sluice/testing';

/** A metric that dashboards and alerts of Flux query. */
export interface ContractMetric {
  type: 'counter' | 'gauge' | 'histogram';
  labels: readonly string[];
  buckets?: readonly number[];
}

const counter = (...labels: string[]): ContractMetric => ({ type: 'counter', labels });
const gauge = (...labels: string[]): ContractMetric => ({ type: 'gauge', labels });
const histogram = (buckets: readonly number[], ...labels: string[]): ContractMetric => ({
  type: 'histogram',
  labels,
  buckets,
});

const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];
const httpBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizeBuckets = [100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** Ten steps of equal ratio from 10 ms to 30 min. */
const reconcileBuckets = Array.from({ length: 10 }, (_, i) => 0.01 * 180_000 ** (i / 9));
const timeBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const queue = ['name', 'controller'];
const object = ['kind', 'name', 'namespace'];

/** Of every controller. Types, labels and buckets are those of fluxcd/pkg, controller-runtime and client-go. */
const common: Record<string, ContractMetric> = {
  gotk_reconcile_duration_seconds: histogram(reconcileBuckets, ...object),
  gotk_token_cache_events_total: counter('event_type', ...object, 'operation'),
  gotk_token_cache_requests_total: counter('status'),
  gotk_token_cache_evictions_total: counter(),
  gotk_token_cached_items: gauge(),
  controller_runtime_reconcile_total: counter('controller', 'result'),
  controller_runtime_reconcile_errors_total: counter('controller'),
  controller_runtime_terminal_reconcile_errors_total: counter('controller'),
  controller_runtime_reconcile_panics_total: counter('controller'),
  controller_runtime_reconcile_timeouts_total: counter('controller'),
  controller_runtime_reconcile_time_seconds: histogram(timeBuckets, 'controller'),
  controller_runtime_max_concurrent_reconciles: gauge('controller'),
  controller_runtime_active_workers: gauge('controller'),
  workqueue_depth: gauge(...queue, 'priority'),
  workqueue_adds_total: counter(...queue),
  workqueue_retries_total: counter(...queue),
  workqueue_unfinished_work_seconds: gauge(...queue),
  workqueue_longest_running_processor_seconds: gauge(...queue),
  workqueue_queue_duration_seconds: histogram(queueBuckets, ...queue),
  workqueue_work_duration_seconds: histogram(queueBuckets, ...queue),
  rest_client_requests_total: counter('code', 'method', 'host'),
  leader_election_master_status: gauge('name'),
  process_cpu_seconds_total: counter(),
  process_start_time_seconds: gauge(),
  process_resident_memory_bytes: gauge(),
  process_virtual_memory_bytes: gauge(),
  process_open_fds: gauge(),
  process_max_fds: gauge(),
  go_info: gauge('version'),
  go_memstats_alloc_bytes: gauge(),
};

const http = ['service', 'handler', 'method', 'code'];

/** What each controller has to expose. */
export const contract: Record<ProgramName, Record<string, ContractMetric>> = {
  'source-controller': {
    ...common,
    gotk_cache_events_total: counter('event_type', 'name', 'namespace'),
  },
  'kustomize-controller': common,
  'helm-controller': common,
  'source-watcher': common,
  'notification-controller': {
    ...common,
    gotk_event_http_request_duration_seconds: histogram(httpBuckets, ...http),
    gotk_event_http_response_size_bytes: histogram(sizeBuckets, ...http),
    gotk_event_http_requests_inflight: gauge('service', 'handler'),
    gotk_receiver_http_request_duration_seconds: histogram(httpBuckets, ...http),
    gotk_receiver_http_response_size_bytes: histogram(sizeBuckets, ...http),
    gotk_receiver_http_requests_inflight: gauge('service', 'handler'),
  },
};

/** Metrics of which there need be no series, as nothing in the run causes one. */
export const mayBeEmpty: Record<ProgramName, readonly string[]> = {
  'source-controller': [],
  'kustomize-controller': ['gotk_token_cache_events_total'],
  'helm-controller': ['gotk_token_cache_events_total'],
  'notification-controller': ['gotk_token_cache_events_total'],
  'source-watcher': ['gotk_token_cache_events_total'],
};

/** The label `controller` of the kinds of each controller. */
export const controllers: Record<ProgramName, readonly string[]> = {
  'source-controller': ['bucket', 'gitrepository', 'helmchart', 'helmrepository', 'ocirepository'],
  'kustomize-controller': ['kustomization'],
  'helm-controller': ['helmrelease'],
  'notification-controller': ['receiver'],
  'source-watcher': ['artifactgenerator'],
};
