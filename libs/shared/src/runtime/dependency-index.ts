/**
 * Knows who depends on whom, both ways, by key.
 *
 * 1. `dependantsOf` names exactly the keys whose last `set` lists the key.
 * 2. `set` replaces what the key depended on before; a key may depend on keys not known yet.
 * 3. `delete` forgets what the key depends on, but not who depends on it.
 */
export class DependencyIndex {
  readonly #dependencies = new Map<string, ReadonlySet<string>>();
  readonly #dependants = new Map<string, Set<string>>();

  /** Says what a key depends on. */
  set(key: string, dependsOn: readonly string[]): void {
    this.delete(key);
    if (dependsOn.length === 0) return;
    this.#dependencies.set(key, new Set(dependsOn));
    for (const dependency of dependsOn) {
      const dependants = this.#dependants.get(dependency) ?? new Set();
      this.#dependants.set(dependency, dependants.add(key));
    }
  }

  /** Forgets what a key depends on. */
  delete(key: string): void {
    for (const dependency of this.#dependencies.get(key) ?? []) {
      const dependants = this.#dependants.get(dependency);
      dependants?.delete(key);
      if (dependants?.size === 0) this.#dependants.delete(dependency);
    }
    this.#dependencies.delete(key);
  }

  /** Returns the keys that depend directly on a key. */
  dependantsOf(key: string): string[] {
    return [...(this.#dependants.get(key) ?? [])];
  }

  /** Returns a cycle through a key, from the key back to it, such as `[a, b, a]`; undefined when there is none. */
  cycleOf(key: string): string[] | undefined {
    const cameFrom = new Map<string, string>();
    const open = [key];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of this.#dependencies.get(at) ?? []) {
        if (next === key) return this.#pathTo(at, key, cameFrom);
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, at);
        open.push(next);
      }
    }
    return undefined;
  }

  #pathTo(last: string, key: string, cameFrom: ReadonlyMap<string, string>): string[] {
    const path = [key];
    for (let at: string | undefined = last; at !== undefined && at !== key; at = cameFrom.get(at)) {
      path.unshift(at);
    }
    return [key, ...path];
  }
}
