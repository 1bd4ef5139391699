import { backoff } from '@sluice/shared/base';

/** Decides how long a failing key has to wait. */
export interface RetryDelays {
  /** Counts a failure of the key and returns its delay in milliseconds. */
  next(key: string): number;
  forget(key: string): void;
  failures(key: string): number;
}

/**
 * Makes the delays of an exponential backoff for each key, which client-go calls a rate limiter.
 *
 * 1. The delay of a key doubles with each failure, from between half of `minMs` and `minMs`, and never exceeds `maxMs`.
 * 2. Keys do not influence each other.
 * 3. A forgotten key takes no memory and starts again from `minMs`.
 */
export function createRetryDelays(options: {
  minMs: number;
  maxMs: number;
  random?: () => number;
}): RetryDelays {
  const attempts = new Map<string, number>();
  return {
    next(key) {
      const attempt = attempts.get(key) ?? 0;
      attempts.set(key, attempt + 1);
      return backoff({ attempt, ...options });
    },
    forget(key) {
      attempts.delete(key);
    },
    failures(key) {
      return attempts.get(key) ?? 0;
    },
  };
}
