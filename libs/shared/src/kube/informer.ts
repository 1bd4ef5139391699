/**
 * List-watch: a local copy of the objects of one resource, kept current by a watch.
 *
 * Guarantees, each with a test of the same words:
 *
 * 1. It is synced only after the first whole list has been handed to the listeners.
 * 2. Listeners are called synchronously and in order, and what they read from the informer is at least as new as the event.
 * 3. A listener that comes late gets each present object as `added`, then every later event, none twice.
 * 4. An object that disappeared while no watch ran is announced as `deleted` after the next list.
 * 5. An object that was replaced by another of the same name is announced as `deleted`, then `added`.
 * 6. An object whose resource version did not change is not announced again.
 * 7. After a lost connection the watch continues from the last version seen, bookmarks included, without a new list.
 * 8. A version that is too old (410) leads to a new list; listeners, objects and indexes stay.
 * 9. A connection that carries no byte, bookmarks included, within the idle time is given up and opened anew.
 * 10. A failed list or watch is repeated for ever, with jittered exponential delays, until stopped or the client closes.
 * 11. The delay starts anew only after a watch that lasted, so that a server which ends watches at once is not stormed.
 * 12. A listener that throws is logged and keeps neither other listeners nor later events from their turn.
 * 13. After `stop` no listener is called; objects stay readable.
 *
 * `transform` and index functions must not throw or keep state; `transform` keeps name, namespace, uid and version.
 */
import type { KubeObject } from '@sluice/shared/api';
import { backoff, type Clock, type Logger, silentLogger, systemClock } from '@sluice/shared/base';
import { ConnectionError, isGone } from './api-error.ts';
import { IndexedStore, type Indexers } from './informer-store.ts';
import { type ApiResource, keyOf } from './resource.ts';
import type { KubeClient, WatchEvent } from './types.ts';

/** A change of the local copy. */
export type InformerEvent<T> = {
  type: 'added' | 'modified' | 'deleted';
  /** The new state; of a deleted object the last one. */
  object: T;
  previous?: T;
};

/** What happened to the connection, for logs, metrics and callers that wait. */
export type InformerHealth =
  | { type: 'listed'; items: number }
  | { type: 'watching'; resourceVersion: string }
  | { type: 'failed'; error: unknown; attempt: number; retryMs: number };

export interface Informer<T extends KubeObject> {
  readonly resource: ApiResource;
  start(): void;
  stop(): Promise<void>;
  /** Resolves after the first list; rejects with the signal's reason, or when stopped before. */
  synced(signal?: AbortSignal): Promise<void>;
  readonly hasSynced: boolean;
  get(key: string): T | undefined;
  list(): T[];
  /** @throws RangeError when there is no index of that name */
  byIndex(index: string, value: string): T[];
  /** Adds a listener; returns a function that removes it. */
  onEvent(listener: (e: InformerEvent<T>) => void): () => void;
}

export interface InformerOptions<T extends KubeObject> {
  client: KubeClient;
  resource: ApiResource;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  metadataOnly?: boolean;
  indexes?: Indexers<T>;
  /** Applied to every object before it is kept, for instance to drop what nobody reads. */
  transform?: (object: T) => T;
  logger?: Logger;
  clock?: Clock;
  random?: () => number;
  onHealth?: (e: InformerHealth) => void;
  /** Milliseconds without a byte after which a watch is opened anew. Default 100,000: bookmarks come every 75 s or sooner. */
  idleTimeoutMs?: number;
}

const defaultIdleTimeoutMs = 100_000;
const retryMinMs = 200;
const retryMaxMs = 30_000;
/** The server ends a watch after one to two times this, which spreads watches over its replicas. */
const watchLifeMs = 300_000;
/** A watch that lived this long was worth opening. */
const healthyMs = 5_000;

/** Creates a list-watch; it begins with `start`. */
export function createInformer<T extends KubeObject>(o: InformerOptions<T>): Informer<T> {
  return new ListWatch(o);
}

class ListWatch<T extends KubeObject> implements Informer<T> {
  readonly resource: ApiResource;
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: IndexedStore<T>;
  readonly #listeners = new Set<(e: InformerEvent<T>) => void>();
  readonly #stopping = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  #running?: Promise<void>;
  #synced = false;
  #resourceVersion?: string;
  #attempt = 0;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.resource = options.resource;
    this.#clock = options.clock ?? systemClock;
    this.#logger = (options.logger ?? silentLogger).child({ resource: options.resource.plural });
    this.#store = new IndexedStore(options.indexes);
    // Whoever waits sees the rejection; when nobody does, it is no unhandled one.
    this.#firstList.promise.catch(() => {});
  }

  start(): void {
    if (this.#stopping.signal.aborted) {
      throw new Error(`the informer of ${this.resource.plural} was stopped`);
    }
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    const reason = new Error(`the informer of ${this.resource.plural} was stopped`);
    this.#stopping.abort(reason);
    this.#firstList.reject(reason);
    await this.#running;
  }

  get hasSynced(): boolean {
    return this.#synced;
  }

  async synced(signal?: AbortSignal): Promise<void> {
    if (signal === undefined || this.#synced) return this.#firstList.promise;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#firstList.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(): T[] {
    return this.#store.list();
  }

  byIndex(index: string, value: string): T[] {
    return this.#store.byIndex(index, value);
  }

  onEvent(listener: (e: InformerEvent<T>) => void): () => void {
    // Each registration is its own, also of the same function.
    const own = (e: InformerEvent<T>) => listener(e);
    for (const object of this.#store.list()) this.#call(own, { type: 'added', object });
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#resourceVersion ??= await this.#relist(signal);
        await this.#watch(this.#resourceVersion, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ConnectionError && error.code === 'CLOSED') return this.#end(error);
        if (isGone(error)) this.#resourceVersion = undefined;
        await this.#pause(error, signal);
      }
    }
  }

  #end(error: ConnectionError): void {
    this.#logger.debug({ error }, 'client closed, informer ended');
    this.#firstList.reject(error);
  }

  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const attempt = this.#attempt++;
    const { random } = this.#options;
    const retryMs = backoff({ attempt, minMs: retryMinMs, maxMs: retryMaxMs, random });
    this.#options.onHealth?.({ type: 'failed', error, attempt, retryMs });
    const level = attempt < 2 ? 'debug' : 'warn';
    this.#logger[level]({ error, attempt, retryMs }, 'list-watch interrupted');
    await this.#clock.sleep(retryMs, signal).catch(() => {});
  }

  async #relist(signal: AbortSignal): Promise<string> {
    const { client, namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    const { items, resourceVersion } = await client.list<T>(this.resource, {
      namespace,
      labelSelector,
      fieldSelector,
      metadataOnly,
      signal,
    });
    const gone = new Set(this.#store.keys());
    for (const item of items) {
      gone.delete(keyOf(item));
      this.#upsert(item);
    }
    for (const key of gone) this.#remove(key);
    this.#options.onHealth?.({ type: 'listed', items: items.length });
    this.#synced = true;
    this.#firstList.resolve();
    return resourceVersion;
  }

  /** Follows one watch to its end. A healthy one may be opened anew at once, a brief one is an error. */
  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    const startedAt = this.#clock.now();
    this.#options.onHealth?.({ type: 'watching', resourceVersion });
    const events = client.watch<T>(this.resource, {
      namespace,
      labelSelector,
      fieldSelector,
      metadataOnly,
      resourceVersion,
      bookmarks: true,
      idleTimeoutMs: this.#options.idleTimeoutMs ?? defaultIdleTimeoutMs,
      serverTimeoutMs: watchLifeMs * (1 + (this.#options.random ?? Math.random)()),
      signal,
    });
    try {
      for await (const event of events) {
        if (signal.aborted) return;
        this.#accept(event);
      }
    } finally {
      if (this.#clock.now() - startedAt >= healthyMs) this.#attempt = 0;
    }
    if (this.#clock.now() - startedAt < healthyMs)
      throw new Error('the server ended the watch at once');
  }

  #accept({ type, object }: WatchEvent<T>): void {
    const version = object.metadata.resourceVersion;
    if (type === 'DELETED') this.#remove(keyOf(object), object);
    else if (type !== 'BOOKMARK') this.#upsert(object);
    if (version) this.#resourceVersion = version;
  }

  #upsert(incoming: T): void {
    const key = keyOf(incoming);
    const previous = this.#store.get(key);
    const sameVersion = previous?.metadata.resourceVersion === incoming.metadata.resourceVersion;
    if (previous !== undefined && sameVersion) return;
    const replaced = previous !== undefined && previous.metadata.uid !== incoming.metadata.uid;
    if (replaced) this.#remove(key);
    const object = this.#options.transform?.(incoming) ?? incoming;
    this.#store.set(object);
    if (previous === undefined || replaced) this.#emit({ type: 'added', object });
    else this.#emit({ type: 'modified', object, previous });
  }

  #remove(key: string, incoming?: T): void {
    const previous = this.#store.get(key);
    if (previous === undefined) return;
    const last = incoming && (this.#options.transform?.(incoming) ?? incoming);
    this.#store.delete(key);
    this.#emit({ type: 'deleted', object: last ?? previous, previous });
  }

  #emit(event: InformerEvent<T>): void {
    // A listener added by a listener has had this object replayed already.
    for (const listener of [...this.#listeners]) {
      if (this.#stopping.signal.aborted) return;
      if (this.#listeners.has(listener)) this.#call(listener, event);
    }
  }

  #call(listener: (e: InformerEvent<T>) => void, event: InformerEvent<T>): void {
    try {
      listener(event);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.#logger.error({ error, stack, key: keyOf(event.object) }, 'informer listener failed');
    }
  }
}
