import { type Clock, systemClock } from '@sluice/shared/base';

/** Steps that the expressions of one object may take at once, and again each second. */
const atOnce = 1_000_000;
const perSecond = 100_000;

/** What all expressions of one object may cost together, however many values they look at. */
export class CelBudget {
  readonly #clock: Clock;
  #left = atOnce;
  #countedAt: number;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#countedAt = clock.now();
  }

  /** Steps that are left now. */
  get left(): number {
    const now = this.#clock.now();
    const earned = Math.floor((Math.max(0, now - this.#countedAt) / 1000) * perSecond);
    if (earned > 0) {
      this.#left = Math.min(atOnce, this.#left + earned);
      this.#countedAt = now;
    }
    return this.#left;
  }

  spend(steps: number): void {
    this.#left -= steps;
  }
}

const budgets = new WeakMap<object, CelBudget>();

/** The budget of a part of a spec, as long as that part is the same object. */
export function celBudgetOf(part: object): CelBudget {
  const known = budgets.get(part);
  if (known !== undefined) return known;
  const budget = new CelBudget();
  budgets.set(part, budget);
  return budget;
}
