import {
  backoff,
  type Clock,
  errorMessage,
  Listeners,
  type Logger,
  systemClock,
  type Timer,
} from '@sluice/shared/base';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import type { ObjectId } from '../object/object-id.ts';
import type { ApplierIdentity } from './applier-identity.ts';
import { createLiveObjects, resourceId } from './live-objects.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';

/** Watches of one owner, at most; what is over is looked at by the owner's timers. */
export const maxWatchesOfOwner = 64;

/** Milliseconds between two attempts of a watch that is refused, doubled with each; with jitter. */
const firstRetryMs = 10_000;
const lastRetryMs = 900_000;
/** Milliseconds for which a refusal is the answer to everybody who asks; after that, asking tries again. */
const refusalMs = 5_000;

/** How to make {@link TenantWatches}. */
export interface TenantWatchesOptions {
  /** Which objects to hold, such as the existence of an ownership label. */
  labelSelector: string;
  identity: ApplierIdentity;
  logger: Logger;
  clock?: Clock;
}

/** Where to look, and as whom. */
export interface TenantScope {
  client: KubeClient;
  resource: ApiResource;
  /** Undefined for a resource of the cluster. */
  namespace: string | undefined;
}

/** A change that a watch saw, and the owners who look through it. */
export interface TenantChange {
  change: LiveChange;
  owners: ReadonlySet<string>;
}

interface TenantWatch extends TenantScope {
  live: LiveObjects;
  owners: Set<string>;
  /** Owners that have asked for it since it was opened, and so have missed nothing since. */
  whole: Set<string>;
  /** Refusals in a row. */
  refusals: number;
  refusal?: { error: unknown; until: number } | undefined;
  retry?: Timer | undefined;
}

/**
 * Watches of one resource in one namespace as the account of owners, where the account that a cluster's shared watches
 * run under may not watch.
 *
 * 1. What is seen as one identity is shown to no owner with another one.
 * 2. A watch is shared by the owners that act as the same identity, and ends with the last one that needs it.
 * 3. One that is refused, at once or later, knows nothing from then on, which is said once, with the role that is
 *    missing; it is tried again now and then, and sooner when its owner asks.
 */
export class TenantWatches {
  readonly #options: TenantWatchesOptions;
  readonly #clock: Clock;
  readonly #watches = new Map<string, TenantWatch>();
  readonly #byOwner = new Map<string, Set<string>>();
  /** Owners that were told to have too many. */
  readonly #over = new Set<string>();
  readonly #changes: Listeners<TenantChange>;
  readonly #losses: Listeners<ReadonlySet<string>>;

  constructor(options: TenantWatchesOptions) {
    const { logger, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    const failed = (error: unknown) =>
      logger.error({ error: errorMessage(error) }, 'Listener to the watches of tenants failed');
    this.#changes = new Listeners(failed);
    this.#losses = new Listeners(failed);
  }

  /** Number of watches, those that are refused included. */
  get size(): number {
    return this.#watches.size;
  }

  /** Ends the watches of an owner as any identity but the one it has now. */
  keepIdentity(owner: string, { identity }: KubeClient): void {
    this.#leaveWhere(owner, ({ client }) => client.identity !== identity);
  }

  /**
   * Starts a watch for an owner if needed, and resolves when its objects are known.
   *
   * @param refusal why nobody else watches for the owner; thrown when it has too many watches of its own
   * @throws ApiError when the identity may not list or watch either, ConnectionError `TIMEOUT` when that takes too long
   */
  async ensure(owner: string, scope: TenantScope, refusal: unknown): Promise<void> {
    const watch = this.#join(owner, scope);
    if (watch === undefined) throw refusal;
    if (watch.refusal !== undefined && watch.refusal.until > this.#clock.now())
      throw watch.refusal.error;
    await this.#open(watch);
    watch.whole.add(owner);
  }

  /** Whether an owner has missed nothing in a scope since it last asked for it; deletions leave no other trace. */
  isWhole(owner: string, scope: TenantScope): boolean {
    const isKnown = this.seen(owner, scope) !== undefined;
    return isKnown && this.#watches.get(keyOf(scope))?.whole.has(owner) === true;
  }

  /** Returns what an owner sees in a scope; undefined when it does not look there, or nothing is known. */
  seen(owner: string, scope: TenantScope): LiveObjects | undefined {
    const watch = this.#watches.get(keyOf(scope));
    return watch?.owners.has(owner) && watch.live.isSynced(scope.resource) ? watch.live : undefined;
  }

  /** Ends those watches of an owner that none of its objects needs. */
  keepOnly(owner: string, ids: Iterable<ObjectId>): void {
    const kept = new Set(
      [...ids].map(({ group, kind, namespace }) => place(group, kind, namespace)),
    );
    this.#leaveWhere(owner, ({ resource: { group, kind }, namespace = '' }) => {
      return !kept.has(place(group, kind, namespace));
    });
  }

  /** Ends the watches of an owner of a resource, or all. */
  release(owner: string, resource?: ApiResource): void {
    const id = resource && resourceId(resource);
    this.#leaveWhere(owner, (watch) => id === undefined || resourceId(watch.resource) === id);
    if (resource === undefined) this.#over.delete(owner);
  }

  /** Calls the listener with each change, objects known at the start of a watch included; returns how to end that. */
  onChange(listener: (seen: TenantChange) => void): () => void {
    return this.#changes.add(listener);
  }

  /** Calls the listener with the owners of each watch that is refused from now on; returns how to end that. */
  onLost(listener: (owners: ReadonlySet<string>) => void): () => void {
    return this.#losses.add(listener);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    const watches = [...this.#watches.values()];
    this.#watches.clear();
    this.#byOwner.clear();
    for (const { retry } of watches) retry?.cancel();
    await Promise.all(watches.map(({ live }) => live.stop()));
  }

  #keysOf(owner: string): string[] {
    return [...(this.#byOwner.get(owner) ?? [])];
  }

  #join(owner: string, scope: TenantScope): TenantWatch | undefined {
    const key = keyOf(scope);
    const own = this.#byOwner.get(owner) ?? new Set();
    if (!own.has(key) && own.size >= maxWatchesOfOwner) {
      this.#sayOver(owner, scope);
      return undefined;
    }
    this.#byOwner.set(owner, own.add(key));
    const watch = this.#watches.get(key) ?? this.#create(scope);
    this.#watches.set(key, watch);
    watch.owners.add(owner);
    return watch;
  }

  #create({ client, resource, namespace }: TenantScope): TenantWatch {
    const { labelSelector, identity, logger } = this.#options;
    const live = createLiveObjects({
      client,
      labelSelector,
      identity,
      logger,
      namespace,
      clock: this.#clock,
      refusalMs: 0,
      onRefused: (error) => this.#refused(watch, error),
    });
    const owners = new Set<string>();
    const scope = { client, resource, namespace };
    const watch: TenantWatch = { ...scope, live, owners, whole: new Set(), refusals: 0 };
    live.onChange((change) => this.#changes.emit({ change, owners }));
    return watch;
  }

  async #open(watch: TenantWatch): Promise<void> {
    await watch.live.ensure(watch.resource);
    watch.refusals = 0;
    watch.refusal = undefined;
    watch.retry?.cancel();
    watch.retry = undefined;
  }

  #refused(watch: TenantWatch, error: unknown): void {
    if (watch.owners.size === 0) return;
    if (watch.refusals === 0) this.#sayRefused(watch, error);
    const waitMs = backoff({ attempt: watch.refusals++, minMs: firstRetryMs, maxMs: lastRetryMs });
    watch.refusal = { error, until: this.#clock.now() + refusalMs };
    watch.retry?.cancel();
    watch.retry = this.#clock.setTimer(() => this.#retry(watch), waitMs);
    watch.whole.clear();
    this.#losses.emit(watch.owners);
  }

  /** What it ends with, if not with a watch, was told when it was refused, or is asked for by the next apply. */
  #retry(watch: TenantWatch): void {
    this.#open(watch).catch((error: unknown) =>
      this.#options.logger.debug({ error: errorMessage(error) }, 'A kind still cannot be watched'),
    );
  }

  #sayRefused({ resource, namespace, owners }: TenantWatch, error: unknown): void {
    this.#options.logger.warn(
      { ...where(resource, namespace), owners: owners.size, error: errorMessage(error) },
      'A kind cannot be watched, and is looked at by timers: allow list and watch to the account in a role',
    );
  }

  #sayOver(owner: string, { resource, namespace }: TenantScope): void {
    if (this.#over.has(owner)) return;
    this.#over.add(owner);
    this.#options.logger.warn(
      { owner, ...where(resource, namespace), most: maxWatchesOfOwner },
      'Too many kinds and namespaces to watch each as the account: the rest is looked at by timers',
    );
  }

  #leaveWhere(owner: string, isLeft: (watch: TenantWatch) => boolean): void {
    for (const key of this.#keysOf(owner)) {
      const watch = this.#watches.get(key);
      if (watch === undefined || isLeft(watch)) this.#leave(owner, key);
    }
  }

  #leave(owner: string, key: string): void {
    const own = this.#byOwner.get(owner);
    own?.delete(key);
    if (own?.size === 0) this.#byOwner.delete(owner);
    const watch = this.#watches.get(key);
    watch?.owners.delete(owner);
    watch?.whole.delete(owner);
    if (watch === undefined || watch.owners.size > 0) return;
    this.#watches.delete(key);
    watch.retry?.cancel();
    watch.live.stop().catch((error: unknown) => {
      this.#options.logger.error({ error: errorMessage(error) }, 'Watch did not stop');
    });
  }
}

function keyOf({ client, resource, namespace = '' }: TenantScope): string {
  return `${client.identity} ${resourceId(resource)} ${namespace}`;
}

function place(group: string, kind: string, namespace: string): string {
  return `${group}/${kind}/${namespace}`;
}

function where({ group, plural }: ApiResource, namespace: string | undefined) {
  return { apiGroup: group, resource: plural, namespace };
}
