import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context, propagation } from '@opentelemetry/api';

/** Trace context in its W3C text form, such as `{ traceparent: '00-…' }`; empty outside of a trace. */
export type TraceCarrier = Record<string, string>;

/** The trace that was received, for processes that trace nothing themselves but pass traces on. */
const received = new AsyncLocalStorage<TraceCarrier>();

/** Returns the trace context of the running operation, to send along or to store. */
export function currentTrace(): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(context.active(), carrier);
  return carrier['traceparent'] === undefined ? { ...received.getStore() } : carrier;
}

/** Turns a received or stored trace context into one that new spans continue. */
export function traceContext(carrier: TraceCarrier): Context {
  return propagation.extract(context.active(), carrier);
}

/** Runs `fn` so that the spans it starts, and what it sends, continue the given trace. */
export function inTrace<R>(carrier: TraceCarrier, fn: () => R): R {
  return received.run(carrier, () => context.with(traceContext(carrier), fn));
}
