import type { Priority } from '../reconciler.ts';
import { createDelayingQueue } from './delaying-queue.ts';
import { createQueue, type Queue, type QueueOptions } from './queue.ts';
import { createRetryDelays } from './retry-delays.ts';

/** A key with a priority; `change` when none is given. */
export interface AddOptions {
  priority?: Priority;
}

/** Bounds of one backoff, in milliseconds; none when not given. */
export interface RateLimits {
  atLeastMs?: number | undefined;
  atMostMs?: number | undefined;
}

/**
 * The work queue of a controller: a {@link Queue} with two layers on top.
 *
 * What it guarantees, besides the guarantees of the three layers (queue.ts, delaying-queue.ts, retry-delays.ts):
 *
 * 1. `addRateLimited` adds a key after its own exponential backoff with jitter, between the two given delays.
 * 2. `forget` starts the backoff of a key anew; it does not remove the key from the queue.
 * 3. After `close` nothing is added any more, timers included, and waiting takers get nothing.
 */
export interface WorkQueue extends Queue {
  /** Adds a key after a time in milliseconds; at once when it is not positive. */
  addAfter(key: string, ms: number, options?: AddOptions): void;
  /** Forgets a pending `addAfter` of a key. */
  cancelDelayed(key: string): void;
  /**
   * Adds a key after its backoff, but not later than after `atMostMs` and not before `atLeastMs`, which counts more, and
   * returns that time in milliseconds.
   */
  addRateLimited(key: string, options?: AddOptions & RateLimits): number;
  /** Starts the backoff of a key anew. */
  forget(key: string): void;
  /** How often a key was added with a backoff since it was last forgotten. */
  failures(key: string): number;
}

/** Makes a work queue. Delays in milliseconds. */
export function createWorkQueue(
  options: QueueOptions & {
    minRetryDelayMs: number;
    maxRetryDelayMs: number;
    random?: () => number;
  },
): WorkQueue {
  const { clock, observer } = options;
  const queue = createQueue(options);
  const delaying = createDelayingQueue(queue, clock);
  const delays = createRetryDelays({
    minMs: options.minRetryDelayMs,
    maxMs: options.maxRetryDelayMs,
    random: options.random,
  });
  return {
    add: delaying.add,
    addAfter(key, ms, o) {
      if (ms > 0) observer?.retried();
      delaying.addAfter(key, ms, o);
    },
    cancelDelayed: delaying.cancelDelayed,
    get: delaying.get,
    done: delaying.done,
    close: delaying.close,
    get length() {
      return queue.length;
    },
    addRateLimited(key, o = {}) {
      const { atLeastMs = 0, atMostMs = Number.POSITIVE_INFINITY } = o;
      const ms = Math.max(Math.min(delays.next(key), atMostMs), atLeastMs);
      if (ms > 0) observer?.retried();
      delaying.addAfter(key, ms, o);
      return ms;
    },
    forget: delays.forget,
    failures: delays.failures,
  };
}
