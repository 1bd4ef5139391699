import type { Schedule } from './schedule.ts';

/** A time for which a Window is open, or closed, without a break. Times are in milliseconds since the epoch. */
export interface WindowSpan {
  isOpen: boolean;
  fromMs: number;
  /** Until when at least. */
  untilMs: number;
  /** Whether it ends then; otherwise nobody has looked further. */
  ends: boolean;
}

/** How far to look: who asks a schedule takes a step. */
export interface WindowSearch {
  horizonMs: number;
  steps: number;
}

const maxRemembered = 16;

/** When a Window is open. Openings that touch or overlap are one. */
export class WindowSpans {
  readonly #schedule: Schedule;
  readonly #durationMs: number;
  #remembered: readonly WindowSpan[] = [];

  /** @param durationMs how long each opening lasts */
  constructor(schedule: Schedule, durationMs: number) {
    this.#schedule = schedule;
    this.#durationMs = durationMs;
  }

  /** Returns what the Window is at a time in milliseconds since the epoch. */
  at(ms: number, search: WindowSearch): WindowSpan {
    const known = this.#remembered.find(({ fromMs, untilMs }) => fromMs <= ms && ms < untilMs);
    if (known !== undefined) return known;
    const span = this.#find(ms, search);
    // One whose end took too many steps may be followed further another time.
    const isComplete = span.ends || span.untilMs >= search.horizonMs;
    if (isComplete) this.#remembered = [...this.#remembered.slice(1 - maxRemembered), span];
    return span;
  }

  #find(fromMs: number, search: WindowSearch): WindowSpan {
    const { horizonMs } = search;
    let end = this.#endOfLast(fromMs, search);
    if (end <= fromMs) {
      search.steps--;
      const next = this.#schedule.nextAfter(fromMs) ?? Number.POSITIVE_INFINITY;
      return { isOpen: false, fromMs, untilMs: Math.min(next, horizonMs), ends: next <= horizonMs };
    }
    while (end < horizonMs && search.steps > 0) {
      const later = this.#endOfLast(end, search);
      if (later <= end) return { isOpen: true, fromMs, untilMs: end, ends: true };
      end = later;
    }
    return { isOpen: true, fromMs, untilMs: end, ends: false };
  }

  /** When what has opened last before a time ends. */
  #endOfLast(ms: number, search: WindowSearch): number {
    search.steps--;
    const opened = this.#schedule.lastAt(ms) ?? Number.NEGATIVE_INFINITY;
    return Math.ceil(opened + this.#durationMs);
  }
}
