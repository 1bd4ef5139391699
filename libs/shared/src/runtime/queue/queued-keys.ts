import { type Shares, shareOf } from './shares.ts';

/** A key in the queue. */
export interface QueuedEntry {
  addedAt: number;
  /** Its place among all keys that were ever queued. */
  order: number;
}

/** The keys of one priority that can be taken, by share, those of each share oldest first. */
export class QueuedKeys<E extends QueuedEntry> {
  readonly #shares = new Map<string, Map<string, E>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  set(key: string, entry: E): void {
    const share = shareOf(key);
    const keys = this.#shares.get(share) ?? new Map<string, E>();
    this.#shares.set(share, keys.set(key, entry));
    this.#size += 1;
  }

  delete(key: string): boolean {
    const share = shareOf(key);
    const keys = this.#shares.get(share);
    if (!keys?.delete(key)) return false;
    if (keys.size === 0) this.#shares.delete(share);
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#shares.clear();
    this.#size = 0;
  }

  /** The key that is next: of the shares that are not full the one with the fewest running, then the oldest. */
  next(shares: Shares): [string, E] | undefined {
    let best: [string, E] | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [share, keys] of this.#shares) {
      if (shares.isFull(share)) continue;
      const running = shares.running(share);
      if (running > fewest) continue;
      const first = firstOf(keys);
      if (running < fewest || !best || first[1].order < best[1].order) best = first;
      fewest = running;
    }
    return best;
  }

  /** The oldest key of the shares that are not full. */
  oldest(shares: Shares): [string, E] | undefined {
    let oldest: [string, E] | undefined;
    for (const [share, keys] of this.#shares) {
      if (shares.isFull(share)) continue;
      const first = firstOf(keys);
      if (!oldest || first[1].addedAt < oldest[1].addedAt) oldest = first;
    }
    return oldest;
  }
}

function firstOf<E>(keys: ReadonlyMap<string, E>): [string, E] {
  for (const first of keys) return first;
  throw new Error('a share without keys is not kept');
}
