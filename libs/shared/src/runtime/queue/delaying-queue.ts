import type { Clock, Timer } from '@sluice/shared/base';
import type { Priority } from '../reconciler.ts';
import { mostUrgent } from './priority.ts';
import type { Queue } from './queue.ts';

/** A queue to which keys can be added later. */
export interface DelayingQueue extends Queue {
  addAfter(key: string, ms: number, options?: { priority?: Priority }): void;
  cancelDelayed(key: string): void;
}

interface Pending {
  at: number;
  priority: Priority;
  timer: Timer;
}

class Delaying implements DelayingQueue {
  readonly #queue: Queue;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();
  #closed = false;

  constructor(queue: Queue, clock: Clock) {
    this.#queue = queue;
    this.#clock = clock;
  }

  get length(): number {
    return this.#queue.length;
  }

  add: Queue['add'] = (key, options) => this.#queue.add(key, options);
  get: Queue['get'] = (signal) => this.#queue.get(signal);
  done: Queue['done'] = (key) => this.#queue.done(key);

  addAfter: DelayingQueue['addAfter'] = (key, ms, options = {}) => {
    if (this.#closed) return;
    const priority = options.priority ?? 'change';
    if (!(ms > 0)) return this.#queue.add(key, { priority });
    const previous = this.#pending.get(key);
    const at = Math.min(this.#clock.now() + ms, previous?.at ?? Number.POSITIVE_INFINITY);
    this.cancelDelayed(key);
    this.#arm(key, at, previous ? mostUrgent(previous.priority, priority) : priority);
  };

  cancelDelayed = (key: string): void => {
    this.#pending.get(key)?.timer.cancel();
    this.#pending.delete(key);
  };

  close = (): void => {
    this.#closed = true;
    for (const key of [...this.#pending.keys()]) this.cancelDelayed(key);
    this.#queue.close();
  };

  #arm(key: string, at: number, priority: Priority): void {
    const fire = () => {
      this.#pending.delete(key);
      this.#queue.add(key, { priority });
    };
    // Timers run on the monotonic clock, so setting the machine's clock neither delays nor hastens a key.
    const timer = this.#clock.setTimer(fire, Math.max(0, at - this.#clock.now()));
    this.#pending.set(key, { at, priority, timer });
  }
}

/**
 * Puts delays on top of a queue.
 *
 * 1. A key is added once its delay is over, not before.
 * 2. A key has at most one pending delay: the earlier one wins, with the more urgent priority of the two.
 * 3. A delay that is not positive adds at once.
 * 4. A pending delay neither counts as queued nor keeps the key from being added in another way.
 * 5. `close` and `cancelDelayed` leave no timer behind.
 */
export function createDelayingQueue(queue: Queue, clock: Clock): DelayingQueue {
  return new Delaying(queue, clock);
}
