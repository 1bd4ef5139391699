import { formatDuration, maxDelayMs, parseDuration, StalledError } from '@sluice/shared/base';

const defaultTimeoutMs = 60_000;

/** The time limit of `spec.timeout` for the work of one reconcile. */
export class TimeLimit {
  /** Aborts when time is up, and when the service stops. */
  readonly signal: AbortSignal;
  readonly #ms: number;
  readonly #expired: AbortSignal;
  readonly #stopped: AbortSignal;

  /**
   * Starts the clock.
   *
   * @param timeout of the spec; 60 s when undefined
   * @throws StalledError `InvalidTimeout` when it is no duration
   */
  constructor(timeout: string | undefined, stopped: AbortSignal) {
    this.#ms = timeout === undefined ? defaultTimeoutMs : millisecondsOf(timeout);
    this.#expired = AbortSignal.timeout(this.#ms);
    this.#stopped = stopped;
    this.signal = AbortSignal.any([stopped, this.#expired]);
  }

  /** What to report when time is up; undefined while it is not. */
  get error(): string | undefined {
    if (!this.#expired.aborted) return undefined;
    return `not finished within ${formatDuration(this.#ms)}, the limit of spec.timeout`;
  }

  /**
   * To be called with whatever an operation threw.
   *
   * @throws the stop signal's reason when the service stops
   */
  throwIfStopped(): void {
    this.#stopped.throwIfAborted();
  }
}

function millisecondsOf(text: string): number {
  try {
    return Math.min(parseDuration(text), maxDelayMs);
  } catch (cause) {
    throw new StalledError('InvalidTimeout', `spec.timeout '${text}' is not a duration`, { cause });
  }
}
