import type { EventSink, FluxEvent } from '@sluice/shared/api';
import { errorMessage, readTokenFile, redactUrl } from '@sluice/shared/base';
import { request } from 'undici';
import type { Bus } from './bus.ts';
import { UnpublishableError } from './bus-errors.ts';
import { createOutbox } from './outbox.ts';
import { type Outbox, type OutboxOptions, streamPatienceMs } from './outbox-contract.ts';
import { eventSubject } from './streams.ts';
import { currentTrace } from './trace.ts';

export type OutboxSinkOptions = Omit<OutboxOptions<FluxEvent>, 'isInformational' | 'maxBytes'> & {
  /** Bytes on disk; 64 MiB when unset. */
  maxBytes?: number;
};

/** An event sink with an outbox: what is published is handed over or on the local disk before the caller goes on. */
export type OutboxSink = EventSink & Omit<Outbox<FluxEvent>, 'put'>;

const defaultMaxBytes = 64 * 1024 * 1024;

/** Longest message of an event, in characters; Flux cuts there too. */
const maxMessageLength = 39_000;

/** Failures of one event that say nothing about NATS, after which it goes to the dead letters. */
const maxAttempts = 10;

const httpTimeoutMs = 15_000;

/** Answers about the event itself; others are about the way, and the event waits. */
const refusals = new Set([400, 413, 414, 415, 422, 431]);

/** Creates an event sink that stores events on disk and hands them over in order. */
export function createOutboxSink(options: OutboxSinkOptions): OutboxSink {
  const outbox = createOutbox<FluxEvent>({
    ...options,
    maxBytes: options.maxBytes ?? defaultMaxBytes,
    isInformational: (event) => event.severity !== 'error',
  });
  return {
    publish: (event) => outbox.put(shorten(event)),
    depth: () => outbox.depth(),
    dropped: () => outbox.dropped(),
    retryNow: () => outbox.retryNow(),
    flush: () => outbox.flush(),
    close: () => outbox.close(),
  };
}

function shorten(event: FluxEvent): FluxEvent {
  if (event.message.length <= maxMessageLength) return event;
  return { ...event, message: `${event.message.slice(0, maxMessageLength - 3)}...` };
}

export type EventSinkOptions = Omit<OutboxSinkOptions, 'deliver'>;

/**
 * Creates an event sink that stores events in the SLUICE_EVENTS stream, through an outbox while NATS is not there to
 * acknowledge them.
 */
export function createBusEventSink(bus: Bus, options: EventSinkOptions): OutboxSink {
  const sink = createOutboxSink({
    ...options,
    maxAttempts,
    patienceMs: streamPatienceMs,
    deliver: async (event, id) => {
      await bus.publish({ subject: eventSubject(bus.prefix, event), data: event, id });
    },
  });
  const stopListening = bus.onReady(() => sink.retryNow());
  return {
    ...sink,
    async close() {
      stopListening();
      await sink.close();
    },
  };
}

/** Creates an event sink that posts events to a notification-controller over HTTP, as Flux does, through an outbox. */
export function createHttpEventSink(
  options: EventSinkOptions & {
    /** Where to post, such as `http://notification-controller.flux-system.svc.cluster.local./`. */
    eventsAddr: string;
    /** File with the token by which notification-controller knows the sender. */
    tokenFile?: string;
  },
): OutboxSink {
  const { eventsAddr, tokenFile } = options;
  if (!URL.canParse(eventsAddr) || !/^https?:/.test(eventsAddr)) {
    throw new RangeError(
      `--events-addr ${redactUrl(eventsAddr)} is no HTTP address: give one such as http://notification-controller/`,
    );
  }
  return createOutboxSink({
    ...options,
    deliver: (event, _id, signal) => post({ address: eventsAddr, event, signal, tokenFile }),
  });
}

async function post(o: {
  address: string;
  event: FluxEvent;
  signal: AbortSignal;
  tokenFile?: string;
}): Promise<void> {
  const token = o.tokenFile && (await readTokenFile(o.tokenFile, 'events-token-file'));
  const authorization = token && { authorization: `Bearer ${token}` };
  // Node's fetch would load a second copy of undici, and follow redirects: a token is for the configured address only.
  const { statusCode, body } = await request(o.address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...currentTrace(), ...authorization },
    body: JSON.stringify(o.event),
    signal: AbortSignal.any([o.signal, AbortSignal.timeout(httpTimeoutMs)]),
  }).catch((cause: unknown) => {
    throw new Error(`the event cannot be posted: ${errorMessage(cause)}`, { cause });
  });
  await body.dump();
  // 429 says that the same event was delivered lately.
  if ((statusCode >= 200 && statusCode < 300) || statusCode === 429) return;
  const problem = `the event was answered with HTTP status ${statusCode}`;
  throw refusals.has(statusCode) ? new UnpublishableError(problem) : new Error(problem);
}
