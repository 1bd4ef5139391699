import type { Clock } from './clock.ts';

/** Wakes whoever waits; calls while nobody waits count for the next {@link Alarm.wait}. */
export class Alarm {
  #ring = Promise.withResolvers<void>();

  /** Ends the present wait, or the next one. */
  ring(): void {
    this.#ring.resolve();
  }

  /**
   * Waits until somebody rings, or until a time.
   *
   * @param untilMs milliseconds since the epoch
   * @throws the signal's reason when aborted
   */
  async wait(
    { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined },
    untilMs: number,
  ): Promise<void> {
    signal?.throwIfAborted();
    const ring = () => this.ring();
    const timer = clock.setTimer(ring, Math.max(0, untilMs - clock.now()));
    signal?.addEventListener('abort', ring, { once: true });
    try {
      await this.#ring.promise;
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', ring);
      this.#ring = Promise.withResolvers();
    }
    signal?.throwIfAborted();
  }
}
