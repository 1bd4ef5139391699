import { JetStreamApiError } from '@nats-io/jetstream';
import {
  InvalidArgumentError,
  InvalidSubjectError,
  PermissionViolationError,
} from '@nats-io/transport-node';

/** Codes of JetStream for a message that its stream will not take: too large, or refused by a check of the stream. */
const finalCodes = new Set([10054]);

/**
 * Whether an error of a publication says that this message will never be taken: too large for the server or the
 * stream, a subject that is none, or one that this user may not publish to. Everything else may pass.
 */
export function isFinalRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof InvalidArgumentError || cause instanceof InvalidSubjectError) return true;
    if (cause instanceof PermissionViolationError && cause.operation === 'publish') return true;
    if (cause instanceof JetStreamApiError && finalCodes.has(cause.code)) return true;
  }
  return false;
}

/** The last message of the subject is not the one that was expected. */
const wrongLastSequence = 10071;

/** Whether an error of a publication says that another message came first. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === wrongLastSequence;
}

/** The stream could not store the message, as when it is full. */
const storeFailed = 10077;

/** Whether an error of a publication says that there was no room for the message. */
export function isStreamFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof JetStreamApiError && cause.code === storeFailed) return true;
  }
  return false;
}
