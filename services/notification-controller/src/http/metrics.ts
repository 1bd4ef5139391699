import { Gauge, Histogram, type Registry } from 'prom-client';

const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizeBuckets = [100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** Measures the requests of one server. */
export interface HttpMetrics {
  /** Says that a request begins; the returned function says how it ended. */
  begin(path: string, method: string): (status: number, bytes: number) => void;
}

/**
 * Makes the metrics of a server under the names that Flux's dashboards query.
 *
 * @param prefix `gotk_event` or `gotk_receiver`
 * @param o `handler` is the label of all paths unless `exportPaths` says to use the path itself
 */
export function httpMetrics(
  registry: Registry,
  prefix: string,
  o: { handler: string; exportPaths: boolean },
): HttpMetrics {
  const labelNames = ['service', 'handler', 'method', 'code'] as const;
  const registers = [registry];
  const duration = new Histogram({
    name: `${prefix}_http_request_duration_seconds`,
    help: 'Duration of HTTP requests.',
    labelNames,
    buckets: durationBuckets,
    registers,
  });
  const size = new Histogram({
    name: `${prefix}_http_response_size_bytes`,
    help: 'Size of HTTP answers.',
    labelNames,
    buckets: sizeBuckets,
    registers,
  });
  const inflight = new Gauge({
    name: `${prefix}_http_requests_inflight`,
    help: 'HTTP requests being handled.',
    labelNames: ['service', 'handler'],
    registers,
  });
  return {
    begin(path, method) {
      const startedAt = performance.now();
      const handler = o.exportPaths ? path : o.handler;
      inflight.inc({ service: '', handler });
      return (status, bytes) => {
        const labels = { service: '', handler, method, code: String(status) };
        inflight.dec({ service: '', handler });
        duration.observe(labels, (performance.now() - startedAt) / 1000);
        size.observe(labels, bytes);
      };
    },
  };
}
