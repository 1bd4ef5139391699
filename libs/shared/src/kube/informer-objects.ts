import type { KubeObject } from '@sluice/shared/api';
import { Listeners } from '@sluice/shared/base';
import { IndexedStore } from './informer-store.ts';
import type {
  InformerEvent,
  InformerOptions,
  InformerPart,
  RefusedObject,
} from './informer-types.ts';
import { keyOf } from './resource.ts';

/** How to create {@link InformerObjects}. */
export interface InformerObjectsOptions<T extends KubeObject>
  extends Pick<InformerOptions<T>, 'indexes' | 'transform' | 'check'> {
  /** Ends the calls of listeners. */
  signal: AbortSignal;
  /** Hears what a function given by a caller threw for an object. */
  onFailure(part: InformerPart, error: unknown, object: T): void;
}

/** Returns an object without who set which field, which is up to half of it, and of interest to few. */
export function withoutManagers<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/**
 * The local copy of a list-watch, and who hears of its changes. Whatever one object makes a function of a caller throw,
 * the object is kept, and the others go on: an index has no values for it, a transformation leaves its metadata.
 */
export class InformerObjects<T extends KubeObject> {
  readonly store: IndexedStore<T>;
  readonly refused = new Map<string, RefusedObject<T>>();
  readonly #options: InformerObjectsOptions<T>;
  readonly #listeners: Listeners<InformerEvent<T>>;
  readonly #refusedListeners: Listeners<InformerEvent<T> & { problem: string }>;

  constructor(options: InformerObjectsOptions<T>) {
    const { indexes, onFailure } = options;
    this.#options = options;
    this.store = new IndexedStore(indexes, (error, object) => onFailure('index', error, object));
    this.#listeners = new Listeners((error, e) => onFailure('listener', error, e.object));
    this.#refusedListeners = new Listeners((error, e) => onFailure('listener', error, e.object));
  }

  onEvent(listener: (e: InformerEvent<T>) => void): () => void {
    const present = this.store.list().map((object) => ({ type: 'added' as const, object }));
    return this.#listeners.add(listener, present);
  }

  onRefused(listener: (e: InformerEvent<T> & { problem: string }) => void): () => void {
    const present = [...this.refused.values()].map((one) => ({ type: 'added' as const, ...one }));
    return this.#refusedListeners.add(listener, present);
  }

  keys(): string[] {
    return [...this.store.keys(), ...this.refused.keys()];
  }

  /** Takes note of an object as it is now. */
  upsert(incoming: T): void {
    const key = keyOf(incoming);
    const known = this.store.get(key) ?? this.refused.get(key)?.object;
    if (known?.metadata.resourceVersion === incoming.metadata.resourceVersion && known) return;
    if (known !== undefined && known.metadata.uid !== incoming.metadata.uid) this.remove(key);
    const problem = this.#problemOf(key, incoming);
    if (problem === undefined) this.#accept(key, this.#transform(incoming));
    else this.#refuse(key, incoming, problem);
  }

  /** Takes note that an object is gone. */
  remove(key: string, incoming?: T): void {
    const refused = this.refused.get(key);
    if (refused !== undefined) {
      this.refused.delete(key);
      const event = { type: 'deleted' as const, ...refused, object: incoming ?? refused.object };
      this.#refusedListeners.emit(event, this.#options.signal);
    }
    const previous = this.store.get(key);
    if (previous === undefined) return;
    this.store.delete(key);
    const object = incoming === undefined ? previous : this.#transform(incoming);
    this.#listeners.emit({ type: 'deleted', object, previous }, this.#options.signal);
  }

  #accept(key: string, object: T): void {
    this.refused.delete(key);
    const previous = this.store.get(key);
    this.store.set(object);
    const type = previous === undefined ? 'added' : 'modified';
    this.#listeners.emit({ type, object, previous }, this.#options.signal);
  }

  /** For everyone but the listeners to refused objects, one that becomes unusable is gone. */
  #refuse(key: string, object: T, problem: string): void {
    const previous = this.refused.get(key)?.object;
    if (previous === undefined) this.remove(key);
    this.refused.set(key, { object, problem });
    const type = previous === undefined ? 'added' : 'modified';
    this.#refusedListeners.emit({ type, object, previous, problem }, this.#options.signal);
  }

  #problemOf(key: string, object: T): string | undefined {
    const { check } = this.#options;
    if (check === undefined) return undefined;
    const { generation } = object.metadata;
    const refused = this.refused.get(key);
    const known = refused?.object ?? this.store.get(key);
    // The verdict is about the spec, which makes a generation.
    if (generation !== undefined && known?.metadata.generation === generation)
      return refused?.problem;
    try {
      return check(object);
    } catch (error) {
      this.#options.onFailure('check', error, object);
      return undefined;
    }
  }

  #transform(object: T): T {
    const { transform, onFailure } = this.#options;
    if (transform === undefined) return withoutManagers(object);
    try {
      return transform(object);
    } catch (error) {
      onFailure('transform', error, object);
      const { apiVersion, kind, metadata } = object;
      return { apiVersion, kind, metadata } as T;
    }
  }
}
