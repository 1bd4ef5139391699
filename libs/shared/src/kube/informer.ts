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
 * 14. An object for which `transform`, `check` or an index function throws ends nothing: it is kept, and announced.
 * 15. An object that `check` refuses is shown to nobody who did not ask for refused ones; for the others one that
 *     becomes unusable is deleted, and one that was corrected is added.
 * 16. It says for how long it is behind: until a watch has stayed open, whatever else succeeds.
 *
 * `transform`, `check` and index functions must not keep state; `transform` keeps name, namespace, uid and version.
 */
import type { KubeObject } from '@sluice/shared/api';
import {
  backoff,
  type Clock,
  type Logger,
  silentLogger,
  systemClock,
  type Timer,
} from '@sluice/shared/base';
import { ConnectionError, isGone } from './api-error.ts';
import { InformerObjects } from './informer-objects.ts';
import type {
  Informer,
  InformerEvent,
  InformerHealth,
  InformerOptions,
  InformerPart,
} from './informer-types.ts';
import { type ApiResource, keyOf } from './resource.ts';
import type { WatchEvent } from './types.ts';

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
  readonly #objects: InformerObjects<T>;
  readonly #stopping = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  #running?: Promise<void>;
  #synced = false;
  #resourceVersion?: string;
  #attempt = 0;
  #failingSince?: number;
  #unmonitor?: () => void;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.resource = options.resource;
    this.#clock = options.clock ?? systemClock;
    this.#logger = (options.logger ?? silentLogger).child({ resource: options.resource.plural });
    this.#objects = new InformerObjects({
      ...options,
      signal: this.#stopping.signal,
      onFailure: (part, error, object) => this.#report(part, error, keyOf(object)),
    });
    // Whoever waits sees the rejection; when nobody does, it is no unhandled one.
    this.#firstList.promise.catch(() => {});
  }

  start(): void {
    if (this.#stopping.signal.aborted) {
      throw new Error(`the informer of ${this.resource.plural} was stopped`);
    }
    if (this.#running !== undefined) return;
    this.#unmonitor = this.#options.monitor?.started(this, this.#options.optional ?? false);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    const reason = new Error(`the informer of ${this.resource.plural} was stopped`);
    this.#stopping.abort(reason);
    this.#firstList.reject(reason);
    this.#unmonitor?.();
    await this.#running;
  }

  get hasSynced(): boolean {
    return this.#synced;
  }

  behindMs(): number {
    if (!this.#synced) return Number.POSITIVE_INFINITY;
    return this.#failingSince === undefined ? 0 : this.#clock.now() - this.#failingSince;
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
    return this.#objects.store.get(key);
  }

  list(): T[] {
    return this.#objects.store.list();
  }

  byIndex(index: string, value: string): T[] {
    return this.#objects.store.byIndex(index, value);
  }

  onEvent(listener: (e: InformerEvent<T>) => void): () => void {
    return this.#objects.onEvent(listener);
  }

  get refused(): Informer<T>['refused'] {
    return this.#objects.refused;
  }

  onRefused(listener: Parameters<Informer<T>['onRefused']>[0]): () => void {
    return this.#objects.onRefused(listener);
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
    this.#unmonitor?.();
  }

  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const attempt = this.#attempt++;
    this.#failingSince ??= this.#clock.now();
    const { random } = this.#options;
    const retryMs = backoff({ attempt, minMs: retryMinMs, maxMs: retryMaxMs, random });
    this.#tell({ type: 'failed', error, attempt, retryMs });
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
    const gone = new Set(this.#objects.keys());
    for (const item of items) {
      gone.delete(keyOf(item));
      this.#objects.upsert(item);
    }
    for (const key of gone) this.#objects.remove(key);
    this.#tell({ type: 'listed', items: items.length });
    this.#synced = true;
    this.#firstList.resolve();
    return resourceVersion;
  }

  /** Follows one watch to its end. A healthy one may be opened anew at once, a brief one is an error. */
  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    const startedAt = this.#clock.now();
    this.#tell({ type: 'watching', resourceVersion });
    const recovery = this.#recovery();
    const events = client.watch<T>(this.resource, {
      namespace,
      labelSelector,
      fieldSelector,
      metadataOnly,
      resourceVersion,
      bookmarks: true,
      idleTimeoutMs: this.#options.idleTimeoutMs ?? defaultIdleTimeoutMs,
      serverTimeoutMs: watchLifeMs * (1 + (this.#options.random ?? Math.random)()),
      onOpen: recovery.begin,
      signal,
    });
    try {
      for await (const event of events) {
        if (signal.aborted) return;
        this.#accept(event);
      }
    } finally {
      recovery.cancel();
      if (this.#clock.now() - startedAt >= healthyMs) this.#attempt = 0;
    }
    if (this.#clock.now() - startedAt < healthyMs)
      throw new Error('the server ended the watch at once');
  }

  /** The copy counts as current again once a watch has stayed open for a while. */
  #recovery(): { begin(): void; cancel(): void } {
    let timer: Timer | undefined;
    const recover = () => {
      this.#failingSince = undefined;
    };
    return {
      begin: () => {
        if (this.#failingSince !== undefined) timer ??= this.#clock.setTimer(recover, healthyMs);
      },
      cancel: () => timer?.cancel(),
    };
  }

  #accept({ type, object }: WatchEvent<T>): void {
    const version = object.metadata.resourceVersion;
    if (type === 'DELETED') this.#objects.remove(keyOf(object), object);
    else if (type !== 'BOOKMARK') this.#objects.upsert(object);
    if (version) this.#resourceVersion = version;
  }

  #tell(health: InformerHealth): void {
    try {
      this.#options.onHealth?.(health);
    } catch (error) {
      this.#logger.error({ error }, 'The health of a watch could not be told');
    }
  }

  #report(part: InformerPart, error: unknown, key: string): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#logger.error({ error, stack, key, part }, 'An object makes a part of a watch fail');
    this.#options.monitor?.failed(this.resource, part);
  }
}
