/** Waiting for applied objects to become healthy. */
export class HealthWait {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly deadlineAt: number;
  #pending = new Set<string>();

  constructor(startedAt: number, timeoutMs: number) {
    this.startedAt = startedAt;
    this.deadlineAt = startedAt + timeoutMs;
  }

  /** Waits for objects, by their formatted ids, and for no others. */
  awaits(ids: Iterable<string>): void {
    this.#pending = new Set(ids);
  }

  isAwaited(id: string): boolean {
    return this.#pending.has(id);
  }

  /** Waits no longer for an object; returns whether it was the last one. */
  settle(id: string): boolean {
    this.#pending.delete(id);
    return this.#pending.size === 0;
  }
}
