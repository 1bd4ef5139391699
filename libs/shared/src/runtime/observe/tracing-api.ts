import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { type Artifact, type KubeObject, reconcileRequestAnnotation } from '@sluice/shared/api';
import { ReconcileError } from '@sluice/shared/base';
import type { ReconcileSpan } from '../reconciler.ts';

/**
 * Annotation by which the trace of what asked for a reconcile travels with an object: a W3C traceparent and, after a
 * blank, the value of the request's own annotation. Artifacts carry the trace of what made them under the same name in
 * their metadata.
 */
export const traceparentAnnotation = 'reconcile.sluice.dev/traceparent';

const tracerName = 'sluice';

/** Attributes of a span. */
export type SpanAttributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  attributes?: SpanAttributes;
  /** A W3C traceparent; without it the span continues the current trace. */
  parent?: string;
  /** Towards whom the work is done; it stays within the process when not given. */
  kind?: 'server' | 'client' | 'consumer';
}

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Runs a function in a span; without {@link initTracing} this costs nothing and records nothing.
 *
 * @throws what the function throws, which marks the span as failed; its message may hold a secret and stays out
 */
export function withSpan<R>(
  name: string,
  options: SpanOptions,
  fn: (span: ReconcileSpan) => Promise<R>,
): Promise<R> {
  const { parent: traceparent, attributes, kind } = options;
  const parent = traceparent
    ? propagation.extract(context.active(), { traceparent })
    : context.active();
  const settings = { attributes, kind: kind === undefined ? SpanKind.INTERNAL : kinds[kind] };
  return trace.getTracer(tracerName).startActiveSpan(name, settings, parent, async (span) => {
    try {
      return await fn(spanHelper(span));
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', typeOf(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

function typeOf(error: unknown): string {
  if (error instanceof ReconcileError) return error.reason;
  return error instanceof Error ? error.name : typeof error;
}

function spanHelper(span: Span): ReconcileSpan {
  return {
    set: (attributes) => void span.setAttributes(attributes),
    event: (name, attributes) => void span.addEvent(name, attributes),
    fail: (message) => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
  };
}

/** Returns the W3C traceparent of the current span; undefined without one. */
export function currentTraceparent(): string | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier['traceparent'];
}

/** Runs a function in the trace that a W3C traceparent names. */
export function withTraceparent<R>(traceparent: string | undefined, fn: () => R): R {
  if (!traceparent) return fn();
  return context.with(propagation.extract(context.active(), { traceparent }), fn);
}

/** Returns the annotations that ask for a reconcile, in the current trace. */
export function requestAnnotations(request: string): Record<string, string> {
  const traceparent = currentTraceparent();
  return {
    [reconcileRequestAnnotation]: request,
    ...(traceparent && { [traceparentAnnotation]: `${traceparent} ${request}` }),
  };
}

/**
 * Returns the traceparent of the request that an object has not answered yet; undefined without one. A trace that an
 * earlier request left behind does not count.
 */
export function requestedTraceparent(object: KubeObject): string | undefined {
  const annotations = object.metadata.annotations ?? {};
  const request = annotations[reconcileRequestAnnotation];
  const { lastHandledReconcileAt } =
    (object as { status?: { lastHandledReconcileAt?: string } }).status ?? {};
  if (request === undefined || request === lastHandledReconcileAt) return undefined;
  const [traceparent, of = request] = (annotations[traceparentAnnotation] ?? '').split(' ');
  return of === request ? traceparent || undefined : undefined;
}

/** An artifact older than this, in milliseconds, is news to nobody but a new object: its trace is over. */
const maxTraceAgeMs = 60 * 60_000;

/** Returns an artifact that carries the current trace, so that who uses it goes on in it. */
export function withTrace(artifact: Artifact): Artifact {
  const traceparent = currentTraceparent();
  if (traceparent === undefined) return artifact;
  return { ...artifact, metadata: { ...artifact.metadata, [traceparentAnnotation]: traceparent } };
}

/** Returns an artifact without the trace that {@link withTrace} has put into it. */
export function withoutTrace(artifact: Artifact): Artifact {
  const { [traceparentAnnotation]: _, ...metadata } = artifact.metadata ?? {};
  return { ...artifact, metadata };
}

/** Returns the traceparent of what made an artifact; undefined when it is unknown or long ago. */
export function artifactTraceparent(artifact: Artifact | undefined): string | undefined {
  if (artifact === undefined) return undefined;
  const age = Date.now() - Date.parse(artifact.lastUpdateTime);
  return age < maxTraceAgeMs ? artifact.metadata?.[traceparentAnnotation] : undefined;
}
