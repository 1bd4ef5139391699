// NATS: the connection, its streams, publishing that never waits, and consumers.
export { createArtifactAnnouncer, onArtifacts, type Subscription } from './artifacts.ts';
export { auditRecords } from './audit-records.ts';
export { type AuditOutbox, type AuditSinkOptions, createAuditSink } from './audit-sink.ts';
export { bucketName, bucketStream, keepBucket } from './bucket.ts';
export type { Bus, BusOptions } from './bus.ts';
export { BusUnavailableError, OvertakenError, UnpublishableError } from './bus-errors.ts';
export { connectBus } from './connect-bus.ts';
export {
  type ConsumedMessage,
  type ConsumeOptions,
  type Consumer,
  consume,
  type Verdict,
} from './consume.ts';
export { deadLettersOf, publishDeadLetter } from './dead-letter.ts';
export {
  createBusEventSink,
  createHttpEventSink,
  type EventSinkOptions,
  type OutboxSink,
} from './event-sinks.ts';
export { type FollowedMessage, type Following, type FollowOptions, follow } from './follow.ts';
export { type LastMessage, lastMessage } from './last-message.ts';
export { UnreadableMessageError } from './message.ts';
export { ObjectBucket, type StoredObject } from './object-bucket.ts';
export { createOutbox } from './outbox.ts';
export type { Outbox, OutboxMetrics, OutboxOptions } from './outbox-contract.ts';
export { isStreamFull } from './refusal.ts';
export { removeMessage, type StoredMessage, storedMessages } from './stored-messages.ts';
export { type StreamUse, streamUse } from './stream-use.ts';
export {
  alertingSubject,
  alertingSubjects,
  artifactSubject,
  auditSubject,
  deadLetterSubject,
  decodeToken,
  deliveredSubject,
  deliveredSubjects,
  deliverySubject,
  doneWebhookSubject,
  encodeToken,
  eventSubject,
  type StreamId,
  streamName,
  streamSubjects,
  streams,
  streamsOwnedBy,
} from './streams.ts';
export { currentTrace, inTrace } from './trace.ts';
