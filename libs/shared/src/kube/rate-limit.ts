import type { Clock } from '@sluice/shared/base';

/**
 * A token bucket: `burst` requests at once, `qps` per second after that, served in order.
 *
 * It switches itself off when the API server limits its clients fairly by itself, as Flux does: then waiting here would
 * only slow down what the server could have served.
 *
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
export class RateLimiter {
  readonly #qps: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #updatedAt: number;
  #enabled: boolean;

  /** @param o.qps zero or less switches the limit off */
  constructor(o: { qps: number; burst: number; clock: Clock }) {
    this.#qps = o.qps;
    this.#burst = Math.max(1, o.burst);
    this.#clock = o.clock;
    this.#tokens = this.#burst;
    this.#updatedAt = o.clock.now();
    this.#enabled = o.qps > 0;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  disable(): void {
    this.#enabled = false;
  }

  /** Resolves when the request may be sent; rejects with the signal's reason when aborted before. */
  async take(signal?: AbortSignal): Promise<void> {
    if (!this.#enabled) return;
    const now = this.#clock.now();
    const earned = ((now - this.#updatedAt) / 1000) * this.#qps;
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, earned)) - 1;
    this.#updatedAt = now;
    // A negative balance is the queue: each waiting request has taken its token from the future.
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / this.#qps) * 1000, signal);
  }
}
