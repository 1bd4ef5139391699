import { type Clock, systemClock } from '@sluice/shared/base';
import type { RateLimit } from '../provider/rate-limits.ts';

/** Spreads what is sent through one Provider, so that no limit is passed in any stretch of time. */
export class Pace {
  readonly #clock: Clock;
  /** When something was sent, the oldest first, as far back as limits reach. */
  #sent: number[] = [];

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Waits until one more may be sent, and counts it.
   *
   * @throws the signal's reason when it is aborted before
   */
  async turn(limits: readonly RateLimit[], signal: AbortSignal): Promise<void> {
    for (;;) {
      const waitMs = Math.max(0, ...limits.map((limit) => this.#waitMs(limit)));
      if (waitMs === 0) break;
      await this.#clock.sleep(waitMs, signal);
    }
    const most = Math.max(0, ...limits.map(({ count }) => count));
    this.#sent = most === 0 ? [] : [...this.#sent, this.#clock.now()].slice(-most);
  }

  #waitMs({ count, perMs }: RateLimit): number {
    const first = this.#sent.at(-count);
    return first === undefined ? 0 : Math.max(0, first + perMs - this.#clock.now());
  }
}
