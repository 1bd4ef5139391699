/** What an input would cost is over a limit; the message names the limit and how to stay below it. */
export class BudgetError extends Error {
  override name = 'BudgetError';
}

/** Counts the steps of a computation whose cost an input decides, and ends it when they are used up. */
export class WorkBudget {
  readonly #what: string;
  readonly #maxSteps: number;
  #steps = 0;

  /** @param what is computed, for the message: it starts the sentence "… takes more than N steps" */
  constructor(what: string, maxSteps: number) {
    this.#what = what;
    this.#maxSteps = maxSteps;
  }

  /**
   * Takes steps of the budget.
   *
   * @throws BudgetError once there are none left
   */
  take(steps: number): void {
    this.#steps += steps;
    if (this.#steps <= this.#maxSteps) return;
    throw new BudgetError(`${this.#what} takes more than ${this.#maxSteps} steps`);
  }
}
