import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, type Informer, type InformerEvent, keyOf } from '@sluice/shared/kube';

/** An informer that sees what a test shows it, when the test shows it. */
export class FakeInformer<T extends KubeObject> implements Informer<T> {
  readonly hasSynced = true;
  readonly resource: ApiResource = {
    group: '',
    version: '',
    kind: '',
    plural: '',
    namespaced: true,
  };
  readonly refused = new Map();
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(event: InformerEvent<T>) => void>();

  /** Shows the state of an object. */
  see(object: T): void {
    const previous = this.#objects.get(keyOf(object));
    this.#objects.set(keyOf(object), object);
    this.#emit({ type: previous ? 'modified' : 'added', object, previous });
  }

  /** Shows that an object is gone. */
  lose(key: string): void {
    const object = this.#objects.get(key);
    if (!object) return;
    this.#objects.delete(key);
    this.#emit({ type: 'deleted', object });
  }

  start(): void {}

  async stop(): Promise<void> {}

  async synced(): Promise<void> {}

  behindMs(): number {
    return 0;
  }

  onRefused(): () => void {
    return () => undefined;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(): T[] {
    return [];
  }

  onEvent(listener: (event: InformerEvent<T>) => void): () => void {
    for (const object of this.list()) listener({ type: 'added', object });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #emit(event: InformerEvent<T>): void {
    for (const listener of this.#listeners) listener(event);
  }
}
