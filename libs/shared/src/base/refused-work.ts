import type { Clock } from './clock.ts';
import { LruBytes } from './keyed.ts';

/** Which limit is hit may depend on how busy the machine was, so that no refusal lasts. */
const rememberMs = 10 * 60_000;
const maxRemembered = 5000;

/** Of whom, and what is made of what: the same again is known to fail. */
export interface Work {
  /** A uid, so that an object that is made anew under a name is tried. */
  owner: string;
  /** Everything that the result depends on. */
  input: string;
}

interface Refusal {
  input: string;
  error: Error;
  untilMs: number;
}

/**
 * Remembers whose work was over a limit. The same work will be again, and takes as long as the limits allow, whenever
 * its owner is polled or asks for it.
 */
export class RefusedWork {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #isOverLimit: (error: Error) => boolean;
  readonly #refusals = new LruBytes<Refusal>(maxRemembered);

  constructor(isOverLimit: (error: Error) => boolean, clock: Pick<Clock, 'now'>) {
    this.#isOverLimit = isOverLimit;
    this.#clock = clock;
  }

  /** The error of the same work, if that was over a limit less than ten minutes ago. */
  find({ owner, input }: Work): Error | undefined {
    const known = this.#refusals.get(owner);
    const isSame = known?.input === input && this.#clock.now() < known.untilMs;
    return isSame ? known.error : undefined;
  }

  /**
   * Does work, unless the same was over a limit a short while ago.
   *
   * @throws the former error, or as the work does
   */
  async run<T>(work: Work, fn: () => Promise<T>): Promise<T> {
    const known = this.find(work);
    if (known !== undefined) throw known;
    this.#refusals.delete(work.owner);
    try {
      return await fn();
    } catch (error) {
      if (error instanceof Error && this.#isOverLimit(error))
        this.#refusals.set(
          work.owner,
          { input: work.input, error, untilMs: this.#clock.now() + rememberMs },
          1,
        );
      throw error;
    }
  }
}
