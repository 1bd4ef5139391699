import { ByteBudget } from './byte-budget.ts';

/** How many calls may run at a time. */
export interface FairSlotsOptions {
  /** Of all shares together. */
  total: number;
  /** Of one share; below `total`, so that a newcomer never waits for one share alone. */
  perShare: number;
}

/**
 * Lets a limited number of calls run at a time, of each share fewer than of all: whatever one share runs, a slot
 * stays free for another. Calls of one share wait in order, and shares that wait take turns.
 */
export class FairSlots {
  readonly #slots: ByteBudget;

  constructor(o: FairSlotsOptions) {
    this.#slots = new ByteBudget(o);
  }

  /** Lets one share run so many calls at a time, and keeps one slot more for the others. */
  static withOneSpare(perShare: number): FairSlots {
    return new FairSlots({ total: perShare + 1, perShare });
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
