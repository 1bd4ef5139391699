import { type Clock, systemClock } from '@sluice/shared/base';

export interface ByteRateOptions {
  /** Bytes a second that one share may take in for long. */
  bytesPerSecond: number;
  /** Bytes that a share which took little for a while may take in at once. */
  burst: number;
  clock?: Clock;
}

/** Time for which whoever took something in counts as there. */
const presenceMs = 10_000;

interface Taken {
  share: string;
  at: number;
}

/**
 * Bounds how fast one share takes in bytes while others take in some too: receiving, hashing and writing are the work
 * of the one thread that all have in common. Who is alone is not slowed.
 */
export class ByteRate {
  readonly #o: ByteRateOptions;
  readonly #clock: Clock;
  /** What each share may still take in at once; below zero when it owes time. */
  readonly #buckets = new Map<string, { left: number; at: number }>();
  /** The last two of different shares, the latest first. */
  #latest: Taken[] = [];

  constructor(o: ByteRateOptions) {
    this.#o = o;
    this.#clock = o.clock ?? systemClock;
  }

  /**
   * Notes bytes that a share has taken in.
   *
   * @param share for whom it is, such as a namespace
   * @returns milliseconds to wait before more are taken in; mostly 0
   */
  take(share: string, bytes: number): number {
    const now = this.#clock.now();
    const { bytesPerSecond, burst } = this.#o;
    const { left, at } = this.#buckets.get(share) ?? { left: burst, at: now };
    const refilled = Math.min(burst, left + ((now - at) / 1000) * bytesPerSecond);
    const isAlone = !this.#latest.some((one) => one.share !== share && now - one.at < presenceMs);
    // Whoever is alone owes nobody anything, also not once others come.
    const rest = isAlone ? Math.max(0, refilled - bytes) : refilled - bytes;
    this.#buckets.set(share, { left: rest, at: now });
    this.#note({ share, at: now });
    return rest < 0 ? Math.ceil((-rest / bytesPerSecond) * 1000) : 0;
  }

  #note(taken: Taken): void {
    const [last] = this.#latest;
    const isOther = last !== undefined && last.share !== taken.share;
    this.#latest = [taken, ...(isOther ? [last] : this.#latest.slice(1))];
    if (isOther) this.#forgetFull(taken.at);
  }

  /** Shares that have not been there for so long that their buckets are full again. */
  #forgetFull(now: number): void {
    const fullAfterMs = (this.#o.burst / this.#o.bytesPerSecond) * 1000;
    for (const [share, { left, at }] of this.#buckets) {
      if (now - at < fullAfterMs || left < 0) return;
      this.#buckets.delete(share);
    }
  }
}
