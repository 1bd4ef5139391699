import { BudgetError } from './work-budget.ts';

/** How many bytes may be held at a time. */
export interface ByteBudgetOptions {
  /** Of all shares together. */
  total: number;
  /** Of one share; below `total`, so that a newcomer never waits for one share alone. */
  perShare: number;
}

interface Waiter {
  bytes: number;
  start(): void;
}

/**
 * Bounds what a process holds in memory for others: whoever buffers takes the bytes first, and waits until there are
 * enough. Calls of one share wait in order, shares that wait take turns, and nobody overtakes the one whose turn it
 * is, so that a large request is not kept waiting by small ones.
 *
 * Take what is needed once: who holds some and asks for more may wait for others who do the same.
 */
export class ByteBudget {
  readonly #total: number;
  readonly #perShare: number;
  /** Shares with somebody waiting, the one whose turn is next first. */
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #held = new Map<string, number>();
  #heldInAll = 0;

  constructor({ total, perShare }: ByteBudgetOptions) {
    if (!(perShare >= 1 && total >= perShare))
      throw new RangeError(`a budget needs 1 byte or more, got ${total} and ${perShare}`);
    this.#total = total;
    this.#perShare = perShare;
  }

  /** Bytes held now. */
  get held(): number {
    return this.#heldInAll;
  }

  /**
   * Takes bytes, once they are free.
   *
   * @param share whose part of the budget it is, such as a namespace
   * @param signal ends the waiting
   * @returns gives them back; calls after the first do nothing
   * @throws BudgetError when one share may never hold so many; the signal's reason when it aborts before
   */
  async acquire(share: string, bytes: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (bytes > this.#perShare) {
      throw new BudgetError(
        `${bytes} bytes of memory are needed, more than the ${this.#perShare} that one namespace may hold`,
      );
    }
    if (this.#waiting.size > 0 || !this.#take(share, bytes)) {
      await this.#wait(share, bytes, signal);
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#release(share, bytes);
    };
  }

  /** Runs a call that holds bytes; as {@link acquire}. */
  async run<T>(
    share: string,
    bytes: number,
    fn: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const release = await this.acquire(share, bytes, signal);
    try {
      return await fn();
    } finally {
      release();
    }
  }

  #take(share: string, bytes: number): boolean {
    const held = this.#held.get(share) ?? 0;
    if (this.#heldInAll + bytes > this.#total || held + bytes > this.#perShare) return false;
    this.#held.set(share, held + bytes);
    this.#heldInAll += bytes;
    return true;
  }

  #wait(share: string, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#leave(share, waiter);
        reject(signal?.reason);
        // It may have been in the way of others.
        this.#startNext();
      };
      const waiter: Waiter = {
        bytes,
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const waiters = this.#waiting.get(share);
      if (waiters === undefined) this.#waiting.set(share, [waiter]);
      else waiters.push(waiter);
      this.#startNext();
    });
  }

  #leave(share: string, waiter: Waiter): void {
    const left = (this.#waiting.get(share) ?? []).filter((each) => each !== waiter);
    if (left.length === 0) this.#waiting.delete(share);
    else this.#waiting.set(share, left);
  }

  #release(share: string, bytes: number): void {
    const held = (this.#held.get(share) ?? 0) - bytes;
    if (held === 0) this.#held.delete(share);
    else this.#held.set(share, held);
    this.#heldInAll -= bytes;
    this.#startNext();
  }

  #startNext(): void {
    for (const [share, waiters] of [...this.#waiting]) {
      const [next, ...left] = waiters;
      if (next === undefined) continue;
      // Held up by its own share alone: the others go on.
      if ((this.#held.get(share) ?? 0) + next.bytes > this.#perShare) continue;
      if (!this.#take(share, next.bytes)) return;
      // Its next turn comes after those of all others.
      this.#waiting.delete(share);
      if (left.length > 0) this.#waiting.set(share, left);
      next.start();
    }
  }
}
