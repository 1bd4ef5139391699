import { context, propagation, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { errorMessage } from '@sluice/shared/base';
import type { ReconcileSpan } from './reconciler.ts';

/** Annotation by which the trace of what caused a reconcile travels with an object. */
export const traceparentAnnotation = 'reconcile.sluice.dev/traceparent';

const tracerName = 'sluice';

/** Attributes of a span. */
export type SpanAttributes = Record<string, string | number | boolean>;

/**
 * Runs a function in a span; without {@link initTracing} this costs nothing and records nothing.
 *
 * @param options `parent` is a W3C traceparent; without it the span continues the current trace
 * @throws what the function throws, which marks the span as failed
 */
export function withSpan<R>(
  name: string,
  options: { attributes?: SpanAttributes; parent?: string },
  fn: (span: ReconcileSpan) => Promise<R>,
): Promise<R> {
  const parent = options.parent
    ? propagation.extract(context.active(), { traceparent: options.parent })
    : context.active();
  return trace
    .getTracer(tracerName)
    .startActiveSpan(name, { attributes: options.attributes }, parent, async (span) => {
      try {
        return await fn(spanHelper(span));
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
        throw error;
      } finally {
        span.end();
      }
    });
}

function spanHelper(span: Span): ReconcileSpan {
  return {
    set: (attributes) => void span.setAttributes(attributes),
    event: (name, attributes) => void span.addEvent(name, attributes),
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
