import type { KubeObject } from '@sluice/shared/api';
import { keyOf } from './resource.ts';

/** Which index values an object has. */
export type Indexers<T> = Record<string, (object: T) => string[]>;

function ignore(): void {}

/**
 * The objects of a list-watch by key, and by the values of each index. An object for which an index function throws is
 * kept without values in that index.
 */
export class IndexedStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Indexers<T>;
  readonly #onFailure: (error: unknown, object: T) => void;
  /** Index name, then index value, then keys. */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  /** @param onFailure hears what an index function threw */
  constructor(indexers: Indexers<T> = {}, onFailure: (error: unknown, object: T) => void = ignore) {
    this.#indexers = indexers;
    this.#onFailure = onFailure;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  /** @throws RangeError when there is no index of that name */
  byIndex(index: string, value: string): T[] {
    const values = this.#indexes.get(index);
    if (values === undefined) {
      throw new RangeError(`no index ${index}: there are ${[...this.#indexes.keys()].join(', ')}`);
    }
    return [...(values.get(value) ?? [])].map((key) => this.#objects.get(key) as T);
  }

  set(object: T): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    for (const [name, values] of this.#valuesOf(object, this.#onFailure)) {
      const index = this.#indexes.get(name) as Map<string, Set<string>>;
      for (const value of values) {
        const keys = index.get(value) ?? new Set();
        index.set(value, keys.add(key));
      }
    }
  }

  delete(key: string): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#unindex(key, previous);
    this.#objects.delete(key);
  }

  #valuesOf(object: T, onFailure: (error: unknown, object: T) => void): [string, string[]][] {
    return Object.entries(this.#indexers).map(([name, valuesOf]) => {
      try {
        return [name, valuesOf(object)];
      } catch (error) {
        onFailure(error, object);
        return [name, []];
      }
    });
  }

  #unindex(key: string, object: T): void {
    // What it throws was told of when the object was added.
    for (const [name, values] of this.#valuesOf(object, ignore)) {
      const index = this.#indexes.get(name) as Map<string, Set<string>>;
      for (const value of values) {
        const keys = index.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(value);
      }
    }
  }
}
