/** What this process knows of the Plans that are stored, by the keys of their objects. */
export class StoredPlans {
  /** Undefined: there is none. */
  readonly #known = new Map<string, { digest: string; revision: string } | undefined>();

  /** Whether this process has stored a plan of an object, of a revision, and nothing else since. */
  has(key: string, { digest, revision }: { digest: string; revision: string }): boolean {
    const known = this.#known.get(key);
    return known?.digest === digest && known.revision === revision;
  }

  /** Whether there may be one: a process may have ended before the status of its object said so. */
  mayHave(key: string): boolean {
    return !this.#known.has(key) || this.#known.get(key) !== undefined;
  }

  /** Notes what is stored now; undefined when nothing is. */
  note(key: string, plan: { digest: string; revision: string } | undefined): void {
    this.#known.set(key, plan);
  }

  /** Forgets what is known of an object. */
  forget(key: string): void {
    this.#known.delete(key);
  }
}
