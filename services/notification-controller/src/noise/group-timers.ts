import { errorMessage, type Logger, systemClock, type Timer } from '@sluice/shared/base';
import type { Delivery } from '../delivery/delivery.ts';
import type { Release } from './release.ts';

export interface GroupTimersOptions {
  release: (timer: Delivery) => Promise<Release>;
  /** Stores a delivery. */
  store: (delivery: Delivery) => Promise<void>;
  logger: Logger;
}

const retryMs = 5_000;

/** Sees to it that groups are sent when they are due, where no bus does. */
export class GroupTimers {
  readonly #options: GroupTimersOptions;
  readonly #waiting = new Map<string, Timer>();
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: GroupTimersOptions) {
    this.#options = options;
  }

  /** Waits for the group of a timer, unless that is done already. */
  start(timer: Delivery, ms = 0): void {
    if (this.#isClosed || this.#waiting.has(timer.id)) return;
    const run = () => {
      this.#waiting.delete(timer.id);
      const running: Promise<void> = this.#run(timer).finally(() => this.#running.delete(running));
      this.#running.add(running);
    };
    this.#waiting.set(timer.id, systemClock.setTimer(run, ms));
  }

  /** Ends; what is not sent is found again by the next process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    await Promise.all(this.#running);
  }

  async #run(timer: Delivery): Promise<void> {
    const { release, store, logger } = this.#options;
    try {
      const released = await release(timer);
      if ('waitMs' in released) return this.start(timer, released.waitMs);
      for (const delivery of released.deliveries) await store(delivery);
      await released.stored();
    } catch (error) {
      logger.error({ error: errorMessage(error) }, 'A group could not be sent, trying again');
      this.start(timer, retryMs);
    }
  }
}
