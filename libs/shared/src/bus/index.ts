// NATS: the connection, its streams, publishing that never waits, and consumers.
export { createArtifactAnnouncer, onArtifacts, type Subscription } from './artifacts.ts';
export type { Bus, BusConnection, BusMessage, BusOptions, BusStatus, Stored } from './bus.ts';
export { BusUnavailableError, UnpublishableError } from './bus-errors.ts';
export { connectBus } from './connect-bus.ts';
export type { BusAddress } from './connection-options.ts';
export {
  type ConsumedMessage,
  type ConsumeOptions,
  type Consumer,
  consume,
  type Verdict,
} from './consume.ts';
export { type DeadLetterMessage, publishDeadLetter } from './dead-letter.ts';
export {
  createBusEventSink,
  createHttpEventSink,
  createOutboxSink,
  type EventSinkOptions,
  type OutboxSink,
  type OutboxSinkOptions,
} from './event-sinks.ts';
export { type LastMessage, lastMessage } from './last-message.ts';
export { schemaVersion, UnreadableMessageError } from './message.ts';
export { createOutbox } from './outbox.ts';
export type { Outbox, OutboxMetrics, OutboxOptions } from './outbox-contract.ts';
export {
  artifactSubject,
  deadLetterSubject,
  deliveredSubject,
  deliverySubject,
  encodeToken,
  eventSubject,
  type StreamDefinition,
  type StreamId,
  streamName,
  streamSubjects,
  streams,
  streamsOwnedBy,
} from './streams.ts';
export { currentTrace, inTrace, type TraceCarrier, traceContext } from './trace.ts';
