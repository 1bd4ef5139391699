import { backoff } from '@sluice/shared/base';

/** Decides how long a failing key has to wait. */
export interface RateLimiter {
  /** Counts a failure of the key and returns its delay in milliseconds. */
  next(key: string): number;
  forget(key: string): void;
  failures(key: string): number;
}

/**
 * Makes a rate limiter with exponential backoff for each key.
 *
 * 1. The delay of a key doubles with each failure, from between half of `minMs` and `minMs`, and never exceeds `maxMs`.
 * 2. Keys do not influence each other.
 * 3. A forgotten key takes no memory and starts again from `minMs`.
 */
export function createRateLimiter(options: {
  minMs: number;
  maxMs: number;
  random?: () => number;
}): RateLimiter {
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
