export interface DeliveryErrorOptions {
  cause?: unknown;
  /** No later attempt can succeed: the service refuses the content itself. */
  permanent?: boolean;
  /** Milliseconds before which the service does not want another attempt. */
  retryAfterMs?: number;
}

/** An alert could not be delivered. Its message holds no secret. */
export class DeliveryError extends Error {
  override name = 'DeliveryError';
  readonly permanent: boolean;
  readonly retryAfterMs?: number;

  constructor(message: string, options: DeliveryErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.permanent = options.permanent ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * The Provider cannot be used as it is: a field, its Secret or a key of it is missing or wrong. The message names it
 * and the fix.
 */
export class UnusableProviderError extends DeliveryError {}
