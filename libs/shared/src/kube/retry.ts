import { backoff, type Clock } from '@sluice/shared/base';
import { ApiError, ConnectionError } from './api-error.ts';

/** The request never reached the server, so repeating it is safe for every verb. */
const neverSent = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The connection broke; the request may or may not have been served. */
const lost = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'UND_ERR_SOCKET']);

const maxOverloadRetries = 5;
const maxRetries = 3;
const minDelayMs = 100;
const maxDelayMs = 5_000;

function retriesFor(error: unknown, idempotent: boolean): number {
  if (error instanceof ConnectionError) {
    return neverSent.has(error.code) || (idempotent && lost.has(error.code)) ? maxRetries : 0;
  }
  if (!(error instanceof ApiError)) return 0;
  if (error.status === 429) return maxOverloadRetries;
  // A plain 500 is mostly a failing admission webhook, which took its time already.
  const passing = error.status > 500 || (error.status === 500 && error.retryAfterMs !== undefined);
  return idempotent && passing ? maxRetries : 0;
}

export interface RetryOptions {
  clock: Clock;
  random?: () => number;
  /** The request may be repeated even when the server may have served it. */
  idempotent: boolean;
  signal: AbortSignal;
  /** Epoch milliseconds after which no further attempt starts. */
  deadlineAt: number;
}

/**
 * Repeats a request that failed in passing, a bounded number of times, after the delay the server asks for or with
 * exponential backoff.
 *
 * @throws the last attempt's error
 */
export async function withRetries<T>(attempt: () => Promise<T>, o: RetryOptions): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (tried >= retriesFor(error, o.idempotent) || o.signal.aborted) throw error;
      const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
      const own = backoff({
        attempt: tried,
        minMs: minDelayMs,
        maxMs: maxDelayMs,
        random: o.random,
      });
      const delay = Math.max(asked, own);
      if (o.clock.now() + delay >= o.deadlineAt) throw error;
      await o.clock.sleep(delay, o.signal);
    }
  }
}
