/** A timer that can be cancelled. */
export interface Timer {
  cancel(): void;
}

/** The only source of time, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms` milliseconds. */
  setTimer(fn: () => void, ms: number): Timer;
}

/**
 * The longest delay of a timer of Node, which keeps them in 31 bits: a longer one fires at once, or is refused. Limits
 * of time that a spec sets are cut to it, which is 24 days.
 */
export const maxDelayMs = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
  setTimer(fn, ms) {
    let handle: NodeJS.Timeout;
    const arm = (left: number) => {
      handle = setTimeout(
        () => (left > maxDelayMs ? arm(left - maxDelayMs) : fn()),
        Math.min(left, maxDelayMs),
      );
      handle.unref();
    };
    arm(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  #timers: { at: number; order: number; fn: () => void }[] = [];
  #order = 0;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  setTimer(fn: () => void, ms: number): Timer {
    const timer = { at: this.#now + ms, order: this.#order++, fn };
    this.#timers.push(timer);
    return {
      cancel: () => this.#timers.splice(0, Infinity, ...this.#timers.filter((t) => t !== timer)),
    };
  }

  /** Number of timers that have not fired. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves the clock, fires each timer that is due in order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#timers
        .filter((timer) => timer.at <= target)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await settle();
    }
    this.#now = target;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Spreads a delay evenly over `ms ± percentage`, so that objects with equal intervals do not reconcile together.
 *
 * @param percentage 0 to 100; 0 leaves the delay as it is
 */
export function jitter(ms: number, percentage: number, random: () => number = Math.random): number {
  return ms * (1 + (percentage / 100) * (2 * random() - 1));
}

/**
 * Exponential backoff with equal jitter: half of the delay is fixed, half random.
 *
 * @param attempt 0 for the first retry
 * @returns milliseconds, between `minMs / 2` and `maxMs`
 */
export function backoff(o: {
  attempt: number;
  minMs: number;
  maxMs: number;
  random?: () => number;
}): number {
  const delay = Math.min(o.maxMs, o.minMs * 2 ** Math.min(o.attempt, 52));
  return delay / 2 + (delay / 2) * (o.random ?? Math.random)();
}
