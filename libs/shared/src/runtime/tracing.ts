/** A started tracing SDK, or none. */
export interface Tracing {
  readonly enabled: boolean;
  /** Sends what is left and stops. */
  shutdown(): Promise<void>;
}

/** How long an export may take, in milliseconds. */
const exportTimeoutMs = 10_000;

/**
 * Starts exporting spans over OTLP/HTTP. Without an endpoint nothing is loaded and spans cost nothing.
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
  return { enabled: true, shutdown: () => provider.shutdown() };
}
