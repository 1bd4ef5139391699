/** Allows a burst, and then one more in each interval. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #refillMs: number;
  #tokens: number;
  #at: number;

  /** `refillMs` is the time in milliseconds in which one token comes back. */
  constructor(options: { capacity: number; refillMs: number; nowMs: number }) {
    this.#capacity = options.capacity;
    this.#refillMs = options.refillMs;
    this.#tokens = options.capacity;
    this.#at = options.nowMs;
  }

  /** Takes a token if there is one. */
  take(nowMs: number): boolean {
    const passed = Math.max(0, nowMs - this.#at) / this.#refillMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + passed);
    this.#at = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
