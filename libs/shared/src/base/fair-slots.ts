import { ByteBudget, type ByteBudgetOptions } from './byte-budget.ts';

/**
 * Lets a limited number of calls run at a time, of each share fewer than of all: whatever one share runs, a slot
 * stays free for another. Calls of one share wait in order, and shares that wait take turns.
 */
export class FairSlots {
  readonly #slots: ByteBudget;

  /** @param o how many calls may run at a time, in all and of one share */
  constructor(o: ByteBudgetOptions) {
    this.#slots = new ByteBudget(o);
  }

  /**
   * Runs a call once there is a slot for its share.
   *
   * @param share whose slot it takes, such as a namespace
   * @param signal ends the waiting; a call that has started is not ended by it
   * @throws the signal's reason when it aborts before the call starts, and what the call throws
   */
  run<T>(share: string, fn: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#slots.run(share, 1, fn, signal);
  }
}
