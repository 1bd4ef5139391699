/** How many calls may run at a time. */
export interface FairSlotsOptions {
  /** Of all shares together. */
  total: number;
  /** Of one share; below `total`, so that a newcomer never waits for one share alone. */
  perShare: number;
}

interface Waiter {
  start(): void;
}

/**
 * Lets a limited number of calls run at a time, of each share fewer than of all: whatever one share runs, a slot
 * stays free for another. Calls of one share wait in order, and shares that wait take turns.
 */
export class FairSlots {
  readonly #total: number;
  readonly #perShare: number;
  /** Shares with somebody waiting, the one whose turn is next first. */
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #running = new Map<string, number>();
  #runningInAll = 0;

  constructor({ total, perShare }: FairSlotsOptions) {
    if (!(total >= 1 && perShare >= 1))
      throw new RangeError(`slots need limits of at least 1, got ${total} and ${perShare}`);
    this.#total = total;
    this.#perShare = perShare;
  }

  /**
   * Runs a call once there is a slot for its share.
   *
   * @param share whose slot it takes, such as a namespace
   * @param signal ends the waiting; a call that has started is not ended by it
   * @throws the signal's reason when it aborts before the call starts, and what the call throws
   */
  async run<T>(share: string, fn: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (!this.#take(share)) await this.#wait(share, signal);
    try {
      return await fn();
    } finally {
      this.#release(share);
    }
  }

  #take(share: string): boolean {
    const running = this.#running.get(share) ?? 0;
    if (this.#runningInAll >= this.#total || running >= this.#perShare) return false;
    this.#running.set(share, running + 1);
    this.#runningInAll++;
    return true;
  }

  #wait(share: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#leave(share, waiter);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const waiters = this.#waiting.get(share);
      if (waiters === undefined) this.#waiting.set(share, [waiter]);
      else waiters.push(waiter);
    });
  }

  #leave(share: string, waiter: Waiter): void {
    const left = (this.#waiting.get(share) ?? []).filter((each) => each !== waiter);
    if (left.length === 0) this.#waiting.delete(share);
    else this.#waiting.set(share, left);
  }

  #release(share: string): void {
    const running = (this.#running.get(share) ?? 0) - 1;
    if (running === 0) this.#running.delete(share);
    else this.#running.set(share, running);
    this.#runningInAll--;
    this.#startNext();
  }

  #startNext(): void {
    for (const [share, waiters] of this.#waiting) {
      if (!this.#take(share)) continue;
      const [next, ...left] = waiters;
      // Its next turn comes after those of all others.
      this.#waiting.delete(share);
      if (left.length > 0) this.#waiting.set(share, left);
      next?.start();
      return;
    }
  }
}
