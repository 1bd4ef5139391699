import type { KubeObject } from '@sluice/shared/api';
import { type Clock, errorMessage, Listeners, type Logger, systemClock } from '@sluice/shared/base';
import {
  type ApiResource,
  createInformer,
  type Informer,
  isForbidden,
  isNotFound,
  type KubeClient,
  keyOf,
  type ObjectKey,
  withoutManagers,
} from '@sluice/shared/kube';
import { digestValues } from '../object/compact-object.ts';
import { resourceId } from './live-objects.ts';
import type { LiveChange } from './live-types.ts';
import { maxWatchesOfOwner } from './tenant-watches.ts';

/** Milliseconds for which a refusal of a watch is taken as the answer. */
const refusalMs = 60_000;

/** How to make {@link NamedWatches}. */
export interface NamedWatchesOptions {
  logger: Logger;
  clock?: Clock;
}

/** An object, and as whom to watch it. */
export interface NamedObject {
  client: KubeClient;
  resource: ApiResource;
  key: ObjectKey;
}

/** What those hear who watch an object. */
export interface NamedNews {
  owners: ReadonlySet<string>;
  /** Undefined when the watch has begun and there is no such object, or has ended because it is refused. */
  change: LiveChange | undefined;
}

interface NamedWatch extends NamedObject {
  /** Undefined while the watch is refused. */
  informer: Informer<KubeObject> | undefined;
  refusedUntil: number;
  owners: Set<string>;
}

/**
 * Watches of single objects that somebody else has made, each as the account of who waits for it.
 *
 * 1. Nothing but the object is asked for, for which the right to list and watch it by its name is enough.
 * 2. A watch is shared by the owners that act as the same identity, and ends with the last one that wants it.
 * 3. An owner has 64 of them. What is over, or refused, it has to look at by its timers; a refusal is said once, and
 *    tried again when somebody wants the watch a minute later.
 */
export class NamedWatches {
  readonly #options: NamedWatchesOptions;
  readonly #clock: Clock;
  readonly #watches = new Map<string, NamedWatch>();
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #news: Listeners<NamedNews>;

  constructor(options: NamedWatchesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#news = new Listeners((error) =>
      options.logger.error(
        { error: errorMessage(error) },
        'Listener to the watches of single objects failed',
      ),
    );
  }

  /** Number of watches, those that are refused included. */
  get size(): number {
    return this.#watches.size;
  }

  /** Has an owner watch exactly these objects from now on, as far as it may. */
  watch(owner: string, objects: readonly NamedObject[]): void {
    const wanted = new Map(
      objects.slice(0, maxWatchesOfOwner).map((object) => [idOf(object), object]),
    );
    for (const id of this.#byOwner.get(owner) ?? []) if (!wanted.has(id)) this.#leave(owner, id);
    for (const [id, object] of wanted) this.#join(owner, id, object);
    if (wanted.size > 0) this.#byOwner.set(owner, new Set(wanted.keys()));
    else this.#byOwner.delete(owner);
  }

  /** Whether an owner hears of each change of an object, now or once the watch has begun. */
  isWatched(owner: string, object: NamedObject): boolean {
    return this.#watchOf(owner, object)?.informer !== undefined;
  }

  /** Returns what an owner sees; undefined when nothing is known. */
  seen(owner: string, object: NamedObject): { object: KubeObject | undefined } | undefined {
    const informer = this.#watchOf(owner, object)?.informer;
    return informer?.hasSynced ? { object: informer.list()[0] } : undefined;
  }

  /** Calls the listener with each change, objects known at the start of a watch included. */
  onNews(listener: (news: NamedNews) => void): void {
    this.#news.add(listener);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    const watches = [...this.#watches.values()];
    this.#watches.clear();
    this.#byOwner.clear();
    await Promise.all(watches.map(({ informer }) => informer?.stop()));
  }

  #watchOf(owner: string, object: NamedObject): NamedWatch | undefined {
    const watch = this.#watches.get(idOf(object));
    return watch?.owners.has(owner) ? watch : undefined;
  }

  #join(owner: string, id: string, object: NamedObject): void {
    const watch = this.#watches.get(id) ?? {
      ...object,
      informer: undefined,
      refusedUntil: 0,
      owners: new Set(),
    };
    this.#watches.set(id, watch);
    watch.owners.add(owner);
    if (watch.informer === undefined && this.#clock.now() >= watch.refusedUntil) this.#open(watch);
  }

  #open(watch: NamedWatch): void {
    const { client, resource, key, owners } = watch;
    const informer = createInformer<KubeObject>({
      client,
      resource,
      namespace: resource.namespaced ? key.namespace : undefined,
      fieldSelector: `metadata.name=${key.name}`,
      // Values of Secrets are kept as digests, as in all watches.
      transform: (object) => withoutManagers(digestValues(object)),
      logger: this.#options.logger,
      clock: this.#clock,
      onHealth: (health) => {
        if (health.type === 'failed') this.#failed(watch, informer, health.error);
      },
    });
    watch.informer = informer;
    informer.onEvent((event) => this.#news.emit({ owners, change: { ...event, resource } }));
    informer.start();
    informer.synced().then(
      () => {
        if (informer.list().length === 0) this.#news.emit({ owners, change: undefined });
      },
      (error: unknown) =>
        this.#options.logger.debug({ error: errorMessage(error) }, 'Watch has ended'),
    );
  }

  #failed(watch: NamedWatch, informer: Informer<KubeObject>, error: unknown): void {
    if (watch.informer !== informer || !(isForbidden(error) || isNotFound(error))) return;
    if (watch.refusedUntil === 0) this.#sayRefused(watch, error);
    watch.informer = undefined;
    watch.refusedUntil = this.#clock.now() + refusalMs;
    this.#end(informer);
    this.#news.emit({ owners: watch.owners, change: undefined });
  }

  #sayRefused({ resource: { group, plural }, key }: NamedWatch, error: unknown): void {
    this.#options.logger.warn(
      { apiGroup: group, resource: plural, object: keyOf(key), error: errorMessage(error) },
      'An object cannot be watched, and is looked at by timers: allow list and watch to the account in a role',
    );
  }

  #leave(owner: string, id: string): void {
    const watch = this.#watches.get(id);
    watch?.owners.delete(owner);
    if (watch === undefined || watch.owners.size > 0) return;
    this.#watches.delete(id);
    if (watch.informer !== undefined) this.#end(watch.informer);
  }

  #end(informer: Informer<KubeObject>): void {
    informer.stop().catch((error: unknown) => {
      this.#options.logger.error({ error: errorMessage(error) }, 'Watch did not stop');
    });
  }
}

function idOf({ client, resource, key }: NamedObject): string {
  const { name, namespace } = key;
  const at = resource.namespaced ? { name, namespace } : { name };
  return `${client.identity} ${resourceId(resource)} ${keyOf(at)}`;
}
