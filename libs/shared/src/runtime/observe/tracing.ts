import { systemClock } from '@sluice/shared/base';

/** A started tracing SDK, or none. */
export interface Tracing {
  readonly enabled: boolean;
  /** Sends what is left and stops. */
  shutdown(): Promise<void>;
}

/** How long an export may take, in milliseconds. */
const exportTimeoutMs = 10_000;
/** How long the spans that are left may hold up the end of the process, in milliseconds. */
const shutdownMs = 2_000;

/**
 * Starts exporting spans over OTLP/HTTP. Without an endpoint nothing is loaded and spans cost nothing. While the
 * collector is away, spans wait in a bounded queue and are dropped beyond that. The SDK reads its own environment
 * variables, such as `OTEL_TRACES_SAMPLER` and `OTEL_EXPORTER_OTLP_HEADERS`.
 *
 * @param options `endpoint` is the collector's base URL, such as `http://collector:4318`
 * @throws TypeError when the endpoint is no URL
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export async function initTracing(options: {
  serviceName: string;
  endpoint?: string;
}): Promise<Tracing> {
  if (!options.endpoint) return { enabled: false, shutdown: () => Promise.resolve() };
  const url = new URL(options.endpoint);
  if (!url.pathname.endsWith('/v1/traces')) {
    url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  }
  // Loaded only when used: the SDK takes several megabytes.
  const [{ OTLPTraceExporter }, { resourceFromAttributes }, base, node] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/sdk-trace-node'),
  ]);
  const exporter = new OTLPTraceExporter({ url: url.href, timeoutMillis: exportTimeoutMs });
  const provider = new node.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName }),
    spanProcessors: [new base.BatchSpanProcessor(exporter)],
  });
  provider.register();
  return {
    enabled: true,
    async shutdown() {
      const ended = new AbortController();
      const late = systemClock.sleep(shutdownMs, ended.signal);
      // A collector that is away must not keep the process, and what it misses is no failure of ours.
      await Promise.race([provider.shutdown(), late]).catch(() => undefined);
      ended.abort();
      await late.catch(() => undefined);
    },
  };
}
