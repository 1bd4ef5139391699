/** Functions that hear of events, each isolated from the failures of the others. */
export class Listeners<E> {
  readonly #listeners = new Set<(event: E) => void>();
  readonly #onFailure: (error: unknown, event: E) => void;

  constructor(onFailure: (error: unknown, event: E) => void) {
    this.#onFailure = onFailure;
  }

  /** Adds a listener, which first hears the given events; returns a function that removes it. */
  add(listener: (event: E) => void, past: Iterable<E> = []): () => void {
    // Each registration is its own, also of the same function.
    const own = (event: E) => listener(event);
    for (const event of past) this.#call(own, event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Tells all of an event, until the signal aborts. */
  emit(event: E, signal?: AbortSignal): void {
    // A listener added by a listener has had this object replayed already.
    for (const listener of [...this.#listeners]) {
      if (signal?.aborted) return;
      if (this.#listeners.has(listener)) this.#call(listener, event);
    }
  }

  #call(listener: (event: E) => void, event: E): void {
    try {
      listener(event);
    } catch (error) {
      this.#onFailure(error, event);
    }
  }
}
