import { Semaphore, systemClock } from '@sluice/shared/base';
import type { AttemptResult, FailedAttempt } from './delivery.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** Attempts at a time, so that a service gets no more at once than it would from a person with a script. */
const perProvider = 4;
/** Failures in a row after which the whole Provider is left alone for a while. */
const failuresBeforePause = 5;
/** Longest such pause; short, since a Provider may have been corrected meanwhile. */
const maxPauseMs = 30_000;

/**
 * The attempts to deliver through one Provider: a few at a time, none while its service asked to be left alone, and
 * with growing pauses while all of them fail.
 */
export class ProviderLine {
  readonly #retry: RetryPolicy;
  readonly #now: () => number;
  readonly #slots = new Semaphore(perProvider);
  #users = 0;
  #failures = 0;
  #pauses = 0;
  #openAt = 0;
  #failing?: { sinceMs: number; lastMs: number; error: string };

  constructor(retry: RetryPolicy, now: () => number = Date.now) {
    this.#retry = retry;
    this.#now = now;
  }

  /** Whether nothing waits and nothing has to be remembered. */
  get isIdle(): boolean {
    return this.#users === 0 && this.#failing === undefined && this.#openAt <= this.#now();
  }

  /**
   * Attempts a delivery when it is its turn.
   *
   * @param o `ageMs` since the delivery was stored: one that is old enough to be given up is, without an attempt, while
   *   its Provider fails for that long, and has failed since the delivery is there
   */
  async run(
    attempt: () => Promise<AttemptResult>,
    o: { signal: AbortSignal; ageMs: number },
  ): Promise<AttemptResult> {
    this.#users++;
    const storedAt = this.#now() - o.ageMs;
    try {
      return await this.#slots.run(async () => {
        const lost = this.#isLost(o.ageMs, storedAt);
        if (lost !== undefined) return lost;
        while (this.#openAt > this.#now()) {
          await systemClock.sleep(this.#openAt - this.#now(), o.signal);
        }
        const result = await attempt();
        if (!o.signal.aborted) this.#note(result);
        return result;
      });
    } catch (error) {
      if (!o.signal.aborted) throw error;
      return { type: 'failed', error: 'stopped before the attempt', permanent: false };
    } finally {
      this.#users--;
    }
  }

  #isLost(ageMs: number, storedAt: number): FailedAttempt | undefined {
    const { giveUpAfterMs, minAttempts } = this.#retry;
    // Once a pause is over, an attempt tells whether the service is back.
    if (this.#failing === undefined || this.#openAt <= this.#now()) return undefined;
    if (ageMs < giveUpAfterMs || this.#failures < minAttempts) return undefined;
    const { sinceMs, lastMs, error } = this.#failing;
    // Of one that is replayed since then, nobody knows.
    if (lastMs <= storedAt) return undefined;
    if (this.#now() - sinceMs < giveUpAfterMs) return undefined;
    const since = new Date(sinceMs).toISOString();
    return {
      type: 'failed',
      error: `${error} (every attempt through this Provider failed since ${since})`,
      permanent: true,
    };
  }

  #note(result: AttemptResult): void {
    // What says nothing about the service.
    if (result.type === 'duplicate' || result.type === 'dropped') return;
    const nowMs = this.#now();
    if (result.type === 'delivered' || result.permanent) {
      this.#failures = 0;
      this.#pauses = 0;
      this.#failing = undefined;
      return;
    }
    this.#failures++;
    const { sinceMs = nowMs } = this.#failing ?? {};
    this.#failing = { sinceMs, lastMs: nowMs, error: result.error };
    let pauseMs = result.retryAfterMs ?? 0;
    if (this.#failures >= failuresBeforePause && this.#openAt <= nowMs) {
      const delayMs = retryDelayMs(this.#retry, ++this.#pauses);
      pauseMs = Math.max(pauseMs, Math.min(delayMs, maxPauseMs));
    }
    this.#openAt = Math.max(this.#openAt, nowMs + pauseMs);
  }
}
