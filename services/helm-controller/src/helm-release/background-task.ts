/** How a task ended. */
export type Ending<T> = { type: 'done'; value: T } | { type: 'failed'; error: unknown };

/** Permits for the parts of a task that work rather than wait. */
export interface Slots {
  run<R>(fn: () => Promise<R>): Promise<R>;
}

/** Runs a function once there is a permit; the signal ends the wait for it. */
type RunWithPermit = <R>(fn: () => Promise<R>, signal: AbortSignal) => Promise<R>;

/**
 * Something that goes on after the reconcile that started it, because it mostly waits. It takes a permit for each part
 * that works, so that waiting keeps no other object from being served.
 */
export class BackgroundTask<T> {
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #settled: Promise<void>;
  #working = 0;
  #isResting = false;
  #ending: Ending<T> | undefined;
  #onRest: (() => void) | undefined;
  #onEnd: (() => void) | undefined;

  /**
   * Starts it.
   *
   * @param o.run gives permits, shared with the other tasks
   * @param o.signal aborts it
   * @param run does the work
   */
  constructor(
    o: { run: RunWithPermit; signal: AbortSignal },
    run: (part: { slots: Slots; signal: AbortSignal }) => Promise<T>,
  ) {
    const signal = AbortSignal.any([o.signal, this.#abort.signal]);
    this.#signal = signal;
    const slots: Slots = { run: (fn) => this.#work(() => o.run(fn, signal)) };
    this.#settled = this.#observe(run({ slots, signal }));
  }

  /** How it ended; undefined while it goes on. */
  get ending(): Ending<T> | undefined {
    return this.#ending;
  }

  /** Resolves when it has ended, whichever way. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** Calls the listener when it has ended. */
  onEnd(listener: () => void): void {
    if (this.#ending === undefined) this.#onEnd = listener;
    else listener();
  }

  /** Resolves when it has ended, or only waits. */
  async rests(): Promise<void> {
    if (this.#isResting) return;
    await new Promise<void>((resolve) => {
      this.#onRest = resolve;
    });
  }

  /** Whether it was told to stop. */
  get isAborted(): boolean {
    return this.#signal.aborted;
  }

  /** Makes it stop at the next opportunity. */
  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  async #work<R>(work: () => Promise<R>): Promise<R> {
    this.#working++;
    this.#isResting = false;
    try {
      return await work();
    } finally {
      this.#working--;
      // One part of work may follow another at once.
      setImmediate(() => this.#rest());
    }
  }

  #rest(): void {
    if (this.#working > 0 && this.#ending === undefined) return;
    this.#isResting = true;
    this.#onRest?.();
    this.#onRest = undefined;
  }

  async #observe(running: Promise<T>): Promise<void> {
    try {
      this.#ending = { type: 'done', value: await running };
    } catch (error) {
      this.#ending = { type: 'failed', error };
    }
    this.#rest();
    this.#onEnd?.();
  }
}
