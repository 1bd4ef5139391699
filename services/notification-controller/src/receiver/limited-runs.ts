/** Runs at most so many calls of the same key at a time, and does not run the others. */
export class LimitedRuns {
  readonly #max: number;
  readonly #running = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns undefined when it was not run */
  async run<T>(key: string, fn: () => Promise<T>): Promise<T | undefined> {
    const running = this.#running.get(key) ?? 0;
    if (running >= this.#max) return undefined;
    this.#running.set(key, running + 1);
    try {
      return await fn();
    } finally {
      this.#leave(key);
    }
  }

  #leave(key: string): void {
    const left = (this.#running.get(key) ?? 1) - 1;
    if (left === 0) this.#running.delete(key);
    else this.#running.set(key, left);
  }
}
