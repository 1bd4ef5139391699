/**
 * How a reconcile goes on after an error:
 * - `stalled`: nothing helps but a change of the spec;
 * - `waiting`: something else must happen first (a dependency, a source), which re-enqueues the object;
 * - `retryable`: the same attempt may succeed later, tried again with backoff.
 */
export type ErrorKind = 'stalled' | 'waiting' | 'retryable';

export interface ReconcileErrorOptions {
  cause?: unknown;
  /** Milliseconds before which a retry makes no sense, for instance from a Retry-After header. */
  retryAfterMs?: number;
  /** Extra metadata of the event that announces the error. */
  metadata?: Record<string, string>;
}

/** An expected failure of a reconcile, with the condition reason that clients see. */
export class ReconcileError extends Error {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly retryAfterMs?: number;
  readonly metadata?: Record<string, string>;

  constructor(
    kind: ErrorKind,
    reason: string,
    message: string,
    options: ReconcileErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
    this.metadata = options.metadata;
  }
}

/** Only a change of the object's spec can help; the object is not tried again before. */
export class StalledError extends ReconcileError {
  constructor(reason: string, message: string, options?: ReconcileErrorOptions) {
    super('stalled', reason, message, options);
  }
}

/** Something else must happen first; its change re-enqueues the object. */
export class WaitingError extends ReconcileError {
  constructor(reason: string, message: string, options?: ReconcileErrorOptions) {
    super('waiting', reason, message, options);
  }
}

/** The same attempt may succeed later; tried again with backoff. */
export class RetryableError extends ReconcileError {
  constructor(reason: string, message: string, options?: ReconcileErrorOptions) {
    super('retryable', reason, message, options);
  }
}

/** Returns the message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(errorMessage).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
