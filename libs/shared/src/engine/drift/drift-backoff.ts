import { type Clock, formatDuration, systemClock } from '@sluice/shared/base';

export interface DriftBackoffOptions {
  /** Corrections within the window that are made at once; 3 unless told. */
  freeCorrections?: number;
  /** Milliseconds for which a correction counts; 60,000 unless told. */
  windowMs?: number;
  /** Milliseconds of the first delay, doubled with each further correction; 5,000 unless told. */
  minDelayMs?: number;
  /** Milliseconds of the longest delay; 300,000 unless told. */
  maxDelayMs?: number;
  clock?: Clock;
}

/** When the next correction of an object is due. */
export interface CorrectionVerdict {
  /** Milliseconds to wait; 0 when it may be made at once. */
  delayMs: number;
  /** Said when someone keeps undoing the corrections; undefined otherwise. */
  message?: string;
}

/** What somebody keeps doing to an object. */
export type Undoing = 'change' | 'deletion';

/** Objects that are looked at together for whether they still count. */
const sweepEvery = 256;

interface History {
  /** Times of the last corrections that count, oldest first. */
  corrections: number[];
  /** Corrections that count, however long ago the first one was. */
  total: number;
  /** Corrections since the tug-of-war began. */
  fought: number;
}

/**
 * Detects, for each object, that something keeps changing back what is corrected, and spaces the corrections out; of
 * deletions, from the second one on. An object left alone for a window after its delay has passed starts anew.
 */
export class DriftBackoff {
  readonly #free: number;
  readonly #windowMs: number;
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #clock: Clock;
  readonly #histories = new Map<string, History>();

  constructor(o: DriftBackoffOptions = {}) {
    this.#free = o.freeCorrections ?? 3;
    this.#windowMs = o.windowMs ?? 60_000;
    this.#minDelayMs = o.minDelayMs ?? 5_000;
    this.#maxDelayMs = o.maxDelayMs ?? 300_000;
    this.#clock = o.clock ?? systemClock;
  }

  /** Number of objects with corrections that still count. */
  get size(): number {
    return this.#histories.size;
  }

  /** Tells when an object found drifted may be corrected. Asking changes nothing. */
  verdict(key: string, what: Undoing = 'change'): CorrectionVerdict {
    const history = this.#current(historyKey(key, what));
    const last = history?.corrections.at(-1);
    if (history === undefined || last === undefined || history.fought === 0) return { delayMs: 0 };
    const spacing = this.#spacing(history.fought);
    const delayMs = Math.max(0, last + spacing - this.#clock.now());
    const apart = `the next ones are at least ${formatDuration(spacing)} apart`;
    const message =
      what === 'deletion'
        ? `something keeps deleting the object: it was created again ${times(history.total)}; ${apart}`
        : `something keeps changing fields that the source sets: ${history.total} corrections were undone; ` +
          `${apart}. Remove the fields from the source, or exempt them by an ignore rule`;
    return { delayMs, message };
  }

  /** Notes that an object was corrected. */
  corrected(key: string, what: Undoing = 'change'): void {
    const id = historyKey(key, what);
    const history = this.#current(id) ?? { corrections: [], total: 0, fought: 0 };
    history.corrections.push(this.#clock.now());
    history.total++;
    // Nothing but a deletion undoes a creation, and few do that twice with good reason.
    const free = what === 'deletion' ? 0 : this.#free;
    if (history.corrections.length > free) {
      history.fought++;
      if (history.corrections.length > 1) history.corrections.shift();
    }
    this.#histories.set(id, history);
    if (this.#histories.size % sweepEvery === 0) this.#sweep();
  }

  /** Forgets an object, for instance because its source has changed. */
  forget(key: string): void {
    this.#histories.delete(historyKey(key, 'change'));
    this.#histories.delete(historyKey(key, 'deletion'));
  }

  #spacing(fought: number): number {
    return Math.min(this.#maxDelayMs, this.#minDelayMs * 2 ** Math.min(fought - 1, 30));
  }

  /** Drops what no longer counts: while fighting, corrections count for a window after their delay. */
  #current(key: string): History | undefined {
    const history = this.#histories.get(key);
    if (history === undefined) return undefined;
    const spacing = history.fought === 0 ? 0 : this.#spacing(history.fought);
    const since = this.#clock.now() - this.#windowMs - spacing;
    if ((history.corrections.at(-1) ?? 0) <= since) {
      this.#histories.delete(key);
      return undefined;
    }
    if (history.fought === 0) {
      history.corrections = history.corrections.filter((at) => at > since);
      history.total = history.corrections.length;
    }
    return history;
  }

  /** Forgets objects that nobody asks about any more. */
  #sweep(): void {
    for (const key of [...this.#histories.keys()]) this.#current(key);
  }
}

function historyKey(key: string, what: Undoing): string {
  return `${what} ${key}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
