import { createServer } from 'node:http';
import { closeServer, listenOnLoopback } from './http-auth.ts';

/** A span, as a collector receives it. */
export interface ReceivedSpan {
  /** The service that made it. */
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty for the first span of a trace. */
  parentId: string;
  attributes: Record<string, unknown>;
  failed: boolean;
  /** Why it failed, when it says so. */
  message: string;
}

/** A collector of traces. */
export interface TraceReceiver {
  /** For `--otlp-endpoint`. */
  readonly endpoint: string;
  readonly spans: ReceivedSpan[];
  /** Everything that was received, as it came. */
  readonly bodies: string[];
  /** Resolves with the first span, received before or after the call, that fits. */
  waitFor(
    predicate: (span: ReceivedSpan) => boolean,
    options?: { timeoutMs?: number },
  ): Promise<ReceivedSpan>;
  /** The spans that led to one, nearest first. */
  ancestorsOf(span: ReceivedSpan): ReceivedSpan[];
  close(): Promise<void>;
}

/** Receives traces on the loopback address by OTLP over HTTP, in JSON. */
export async function receiveTraces(): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    bodies.push(body);
    if (request.url === '/v1/traces') spans.push(...spansOf(JSON.parse(body)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    for (const check of waiting) check();
  });
  const port = await listenOnLoopback(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    bodies,
    waitFor: (predicate, { timeoutMs = 20_000 } = {}) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = spans.find(predicate);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`no such span within ${timeoutMs} ms; received:\n${describe(spans)}`));
        }, timeoutMs);
        waiting.add(check);
        check();
      }),
    ancestorsOf: (span) => ancestorsOf(span, spans),
    close: () => closeServer(server),
  };
}

function ancestorsOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentId);
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent, spans)];
}

function describe(spans: readonly ReceivedSpan[]): string {
  return spans
    .map((s) => `${s.traceId} ${s.parentId || '-'} > ${s.spanId} ${s.service} ${s.name}`)
    .join('\n');
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface ExportRequest {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        attributes: Attribute[];
        status: { code?: number; message?: string };
      }[];
    }[];
  }[];
}

/** Code of the status of a span that failed. */
const failedCode = 2;

/** @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md */
function spansOf({ resourceSpans }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans
      .flatMap((scope) => scope.spans)
      .map((span) => ({
        service,
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId ?? '',
        attributes: valuesOf(span.attributes),
        failed: span.status.code === failedCode,
        message: span.status.message ?? '',
      }));
  });
}

function valuesOf(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
