/** Keys that are kept; the oldest go first. */
const maxKeys = 100_000;

/** The keys of the last while, and how far back they are all there. */
export class RecentKeys {
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #max: number;
  readonly #keys = new Map<string, number>();
  #completeSince = Number.POSITIVE_INFINITY;

  constructor(windowMs: number, now: () => number, max = maxKeys) {
    this.#windowMs = windowMs;
    this.#now = now;
    this.#max = max;
  }

  /** Whether a key was added within the time. */
  has(key: string): boolean {
    const at = this.#keys.get(key);
    return at !== undefined && this.#now() - at < this.#windowMs;
  }

  /** @param at in milliseconds since the epoch */
  add(key: string, at: number): void {
    this.#keys.delete(key);
    this.#keys.set(key, at);
    for (const [oldest, since] of this.#keys) {
      const isOver = this.#now() - since >= this.#windowMs;
      if (this.#keys.size <= this.#max && !isOver) break;
      this.#keys.delete(oldest);
      if (!isOver) this.#completeSince = Math.max(this.#completeSince, since + 1);
    }
  }

  /** Notes that all keys since a time are added, or will be in a moment. */
  holdsAllSince(since: number): void {
    this.#completeSince = since;
  }

  /** Whether no key since a time is missing. */
  isCompleteSince(since: number): boolean {
    return this.#completeSince <= since;
  }
}
