import { backoff } from '@sluice/shared/base';

/** How long, and how often, a failing delivery is tried. */
export interface RetryPolicy {
  /** Milliseconds before the second attempt. */
  minDelayMs: number;
  /** Longest delay between attempts, in milliseconds. */
  maxDelayMs: number;
  /** Milliseconds after which a delivery that still fails is given up. */
  giveUpAfterMs: number;
  /** Attempts a delivery gets even when it is older than that, as after a long standstill of the controller. */
  minAttempts: number;
}

export const defaultMinAttempts = 5;

/** Milliseconds to wait after the attempt of the given number, counted from 1; spread so that retries do not gather. */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const { minDelayMs: minMs, maxDelayMs: maxMs } = policy;
  const delay = backoff({ attempt: attempt - 1, minMs, maxMs, random });
  return Math.max(delay, retryAfterMs);
}

/** Whether a delivery that failed is given up. */
export function givesUp(
  policy: RetryPolicy,
  failed: { attempt: number; ageMs: number; permanent: boolean },
): boolean {
  if (failed.permanent) return true;
  return failed.attempt >= policy.minAttempts && failed.ageMs >= policy.giveUpAfterMs;
}
