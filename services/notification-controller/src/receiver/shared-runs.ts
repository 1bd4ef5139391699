interface Run<T> {
  running: Promise<T>;
  /** What everybody waits for who came meanwhile. */
  next?: Promise<T>;
  /** How the last of them does it. */
  fn: () => Promise<T>;
}

/**
 * Runs for each key one call at a time, and one more after it for all callers that came meanwhile: their result is of
 * a call that began after they asked, and a flood of callers costs two calls.
 */
export class SharedRuns<T> {
  readonly #runs = new Map<string, Run<T>>();

  /** @throws what the call throws */
  run(key: string, fn: () => Promise<T>): Promise<T> {
    const run = this.#runs.get(key);
    if (run === undefined) return this.#start(key, fn);
    run.fn = fn;
    if (run.next === undefined) {
      const again = () => this.#start(key, run.fn);
      run.next = run.running.then(again, again);
    }
    return run.next;
  }

  #start(key: string, fn: () => Promise<T>): Promise<T> {
    const running = fn().finally(() => {
      if (run.next === undefined) this.#runs.delete(key);
    });
    const run: Run<T> = { running, fn };
    this.#runs.set(key, run);
    return running;
  }
}
