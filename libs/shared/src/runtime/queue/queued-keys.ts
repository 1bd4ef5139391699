import { type Shares, shareOf } from './shares.ts';

/** A key in the queue. */
export interface QueuedEntry {
  addedAt: number;
  /** Its place among all keys that were ever queued. */
  order: number;
}

/** The keys of one share, each line oldest first. */
interface Lines<E> {
  /** Come before the others of the share. */
  ahead: Map<string, E>;
  others: Map<string, E>;
}

/** Keys that can be taken, by share. */
export class QueuedKeys<E extends QueuedEntry> {
  readonly #shares = new Map<string, Lines<E>>();
  readonly #sizes = { ahead: 0, others: 0 };

  /** How many keys are in one of the two lines of all shares. */
  sizeOf(line: keyof Lines<E>): number {
    return this.#sizes[line];
  }

  set(key: string, entry: E, line: keyof Lines<E>): void {
    const share = shareOf(key);
    const lines = this.#shares.get(share) ?? { ahead: new Map(), others: new Map() };
    lines[line].set(key, entry);
    this.#shares.set(share, lines);
    this.#sizes[line] += 1;
  }

  delete(key: string): boolean {
    const share = shareOf(key);
    const lines = this.#shares.get(share);
    if (lines === undefined) return false;
    const line = lines.ahead.has(key) ? 'ahead' : 'others';
    if (!lines[line].delete(key)) return false;
    if (lines.ahead.size + lines.others.size === 0) this.#shares.delete(share);
    this.#sizes[line] -= 1;
    return true;
  }

  clear(): void {
    this.#shares.clear();
    this.#sizes.ahead = 0;
    this.#sizes.others = 0;
  }

  /**
   * The key that is next: of the first keys of the shares that are not full, that of the share with the fewest running,
   * then the oldest. What comes ahead is as young as it is: others lose nothing by it.
   */
  next(shares: Shares): [string, E] | undefined {
    let best: [string, E] | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [share, { ahead, others }] of this.#shares) {
      if (shares.isFull(share)) continue;
      const running = shares.running(share);
      if (running > fewest) continue;
      const first = firstOf(ahead) ?? firstOf(others);
      if (!first) continue;
      if (running < fewest || !best || first[1].order < best[1].order) best = first;
      fewest = running;
    }
    return best;
  }

  /** The oldest key of the shares that are not full. */
  oldest(shares: Shares): [string, E] | undefined {
    let oldest: [string, E] | undefined;
    for (const [share, { ahead, others }] of this.#shares) {
      if (shares.isFull(share)) continue;
      for (const first of [firstOf(ahead), firstOf(others)])
        if (first && (!oldest || first[1].addedAt < oldest[1].addedAt)) oldest = first;
    }
    return oldest;
  }
}

function firstOf<E>(keys: ReadonlyMap<string, E>): [string, E] | undefined {
  for (const first of keys) return first;
  return undefined;
}
