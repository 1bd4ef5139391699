import { setImmediate } from 'node:timers/promises';

/** Longest time, in milliseconds, for which one computation holds up the event loop. */
const sliceMs = 5;

/** Cuts long work into slices, so that whatever else the thread has to do gets its turn. */
export class TimeSlice {
  readonly #signal: AbortSignal | undefined;
  #startedAt = performance.now();

  /** @param signal ends the work between two slices */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether to wait for {@link next} before going on; asked often, because the answer is cheap. */
  get isOver(): boolean {
    return performance.now() - this.#startedAt > sliceMs;
  }

  /**
   * Lets others have their turn.
   *
   * @throws the signal's reason when it has aborted
   */
  async next(): Promise<void> {
    await setImmediate();
    this.#signal?.throwIfAborted();
    this.#startedAt = performance.now();
  }
}
