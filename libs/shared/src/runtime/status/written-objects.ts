import type { KubeObject } from '@sluice/shared/api';

/**
 * Remembers what we wrote until the informer has seen it, so that a reconcile never acts upon an object
 * older than its own last write.
 *
 * 1. `current` returns the newer of the informer's object and our last write.
 * 2. An object that the informer reported deleted is gone, whatever we wrote before.
 * 3. What the informer has caught up with takes no memory.
 */
export class WrittenObjects<T extends KubeObject> {
  readonly #written = new Map<string, T>();

  /** Remembers what a write of ours returned. */
  record(key: string, object: T): void {
    const known = this.#written.get(key);
    if (!known || isOlder(known, object)) this.#written.set(key, object);
  }

  /** Forgets a key whose object was deleted. */
  forget(key: string): void {
    this.#written.delete(key);
  }

  /** Returns what a reconcile should see, given what the informer has. */
  current(key: string, seen: T | undefined): T | undefined {
    const written = this.#written.get(key);
    if (!written || !seen) return seen;
    if (written.metadata.uid === seen.metadata.uid && isOlder(seen, written)) return written;
    this.#written.delete(key);
    return seen;
  }
}

/**
 * Says whether `a` is an older state of an object than `b`.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions which allows comparing
 * the resource versions of one resource as numbers
 */
export function isOlder(a: KubeObject, b: KubeObject): boolean {
  const [x, y] = [a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? ''];
  return x.length === y.length ? x < y : x.length < y.length;
}
