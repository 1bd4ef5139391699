import type { KubeObject } from '@sluice/shared/api';
import {
  type Clock,
  errorMessage,
  type Logger,
  systemClock,
  type Timer,
} from '@sluice/shared/base';
import {
  type ApiResource,
  createInformer,
  type Informer,
  type InformerEvent,
  type InformerHealth,
  isForbidden,
  isNotFound,
  type KubeClient,
  keyOf,
  type ObjectKey,
  type WatchMonitor,
} from '@sluice/shared/kube';
import { DependencyIndex } from '@sluice/shared/runtime';

/** Nobody is woken twice within this many milliseconds, however often an object changes. */
const leastWakeMs = 1_000;
/** Milliseconds for which a refusal of a watch is taken as the answer. */
const refusalMs = 60_000;

/** How to make {@link AwaitedObjects}. */
export interface AwaitedObjectsOptions {
  client: KubeClient;
  logger: Logger;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
  clock?: Clock;
  /** Called with who waits for an object that has changed. */
  onChange(waiter: string): void;
}

/** One who waits for one object. */
interface Wait {
  resource: ApiResource;
  /** How the object was when it was looked at; undefined until then. */
  seen?: { version: string | undefined };
  isWoken: boolean;
}

/**
 * Wakes those who wait for objects of any kind, when these are made, changed or deleted after they were looked at.
 *
 * 1. What is watched is metadata alone, of which names and versions are kept: whoever is woken has to look himself.
 * 2. There is one watch for each kind, only while somebody waits for an object of it.
 * 3. Where a watch is forbidden, nobody is woken, and all go on by their own timers.
 */
export class AwaitedObjects {
  readonly #options: AwaitedObjectsOptions;
  readonly #clock: Clock;
  readonly #waits = new Map<string, Wait>();
  /** Who waits for which object. */
  readonly #index = new DependencyIndex();
  readonly #watches = new Map<string, Informer<KubeObject>>();
  /** Until when watches are taken as refused, in milliseconds since the epoch. */
  readonly #refusedUntil = new Map<string, number>();
  readonly #wokenAt = new Map<string, number>();
  readonly #timers = new Map<string, Timer>();

  constructor(options: AwaitedObjectsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Says which object one is about to look at; changes from now on wake him. */
  expect(waiter: string, resource: ApiResource, key: ObjectKey): void {
    this.#waits.set(waiter, { resource, isWoken: false });
    this.#index.set(waiter, [idOf(resource, keyOf(key))]);
  }

  /**
   * Says that one waits for a change of what he has looked at.
   *
   * @param version that the object had; undefined when it was not there
   */
  begin(waiter: string, version: string | undefined): void {
    const wait = this.#waits.get(waiter);
    if (wait === undefined) return;
    wait.seen = { version };
    this.#watch(wait.resource);
    this.#endUnused();
  }

  /** Says that one waits for nothing any more. */
  settle(waiter: string): void {
    this.#timers.get(waiter)?.cancel();
    this.#timers.delete(waiter);
    this.#wokenAt.delete(waiter);
    this.#index.delete(waiter);
    if (this.#waits.delete(waiter)) this.#endUnused();
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    for (const waiter of [...this.#waits.keys()]) this.settle(waiter);
    await Promise.all([...this.#watches.keys()].map((id) => this.#drop(id)));
  }

  #watch(resource: ApiResource): void {
    const id = kindIdOf(resource);
    const isRefused = this.#clock.now() < (this.#refusedUntil.get(id) ?? 0);
    const isWatchable = resource.verbs === undefined || resource.verbs.includes('watch');
    if (this.#watches.has(id) || isRefused || !isWatchable) return;
    this.#refusedUntil.delete(id);
    const { client, logger, namespace, monitor } = this.#options;
    const informer = createInformer<KubeObject>({
      client,
      resource,
      logger,
      monitor,
      namespace: resource.namespaced ? namespace : undefined,
      metadataOnly: true,
      transform: nameAndVersion,
      optional: true,
      onHealth: (health) => this.#observe(id, health),
    });
    this.#watches.set(id, informer);
    informer.onEvent((event) => this.#noticed(resource, event));
    informer.start();
  }

  #observe(id: string, health: InformerHealth): void {
    if (health.type !== 'failed') return;
    const { error } = health;
    if (!isForbidden(error) && !isNotFound(error)) return;
    this.#options.logger.debug(
      { kind: id, error: errorMessage(error) },
      'A kind that is depended upon cannot be watched',
    );
    this.#refusedUntil.set(id, this.#clock.now() + refusalMs);
    this.#end(id);
  }

  #noticed(resource: ApiResource, { type, object }: InformerEvent<KubeObject>): void {
    const { resourceVersion } = object.metadata;
    for (const waiter of this.#index.dependantsOf(idOf(resource, keyOf(object)))) {
      const wait = this.#waits.get(waiter);
      if (wait === undefined || wait.isWoken || !isNews(wait, type, resourceVersion)) continue;
      wait.isWoken = true;
      this.#wake(waiter);
    }
  }

  #wake(waiter: string): void {
    if (this.#timers.has(waiter)) return;
    const now = this.#clock.now();
    const waitMs = (this.#wokenAt.get(waiter) ?? Number.NEGATIVE_INFINITY) + leastWakeMs - now;
    const wake = () => {
      this.#timers.delete(waiter);
      this.#wokenAt.set(waiter, this.#clock.now());
      this.#options.onChange(waiter);
    };
    if (waitMs <= 0) wake();
    else this.#timers.set(waiter, this.#clock.setTimer(wake, waitMs));
  }

  #endUnused(): void {
    const used = new Set([...this.#waits.values()].map(({ resource }) => kindIdOf(resource)));
    for (const id of this.#watches.keys()) if (!used.has(id)) this.#end(id);
  }

  #end(id: string): void {
    this.#drop(id).catch((error: unknown) =>
      this.#options.logger.error({ error: errorMessage(error) }, 'Watch did not stop'),
    );
  }

  async #drop(id: string): Promise<void> {
    const informer = this.#watches.get(id);
    this.#watches.delete(id);
    await informer?.stop();
  }
}

/** A watch may lag behind the answer that somebody has read. */
function isNews(
  { seen }: Wait,
  type: InformerEvent<KubeObject>['type'],
  version: string | undefined,
): boolean {
  if (seen === undefined) return true;
  if (type === 'deleted') return seen.version !== undefined;
  return seen.version === undefined || Number(version) > Number(seen.version);
}

function nameAndVersion({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } };
}

function kindIdOf({ group, version, plural }: ApiResource): string {
  return `${group}/${version}/${plural}`;
}

function idOf(resource: ApiResource, key: string): string {
  return `${kindIdOf(resource)}/${key}`;
}
