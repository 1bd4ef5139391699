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
  type InformerOptions,
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

/** Which object one is about to look at. */
export interface Expectation {
  resource: ApiResource;
  key: ObjectKey;
  /** Acts as the waiter's account. */
  own?: KubeClient;
}

/** One who waits for one object. */
interface Wait extends Expectation {
  /** The watch of the object alone, as the waiter's account. */
  ownId?: string;
  /** How the object was when it was looked at; undefined until then. */
  seen?: { version: string | undefined };
  isWoken: boolean;
}

/**
 * Wakes those who wait for objects of any kind, when these are made, changed or deleted after they were looked at.
 *
 * 1. What is watched is metadata alone, of which names and versions are kept: whoever is woken has to look himself.
 * 2. There is one watch for each kind, only while somebody waits for an object of it.
 * 3. Where that watch is forbidden, the object alone is watched as the account of who waits for it, which wakes nobody
 *    with another account. Where that is forbidden too, nobody is woken, and all go on by their own timers.
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
  /** Watches of which was said that they are refused. */
  readonly #said = new Set<string>();
  readonly #wokenAt = new Map<string, number>();
  readonly #timers = new Map<string, Timer>();

  constructor(options: AwaitedObjectsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Says which object one is about to look at; changes from now on wake him. */
  expect(waiter: string, o: Expectation): void {
    // Known from here on, so that what such a watch tells before the wait begins is not passed over.
    const ownId = o.own && ownIdOf(o.own, o);
    this.#waits.set(waiter, { ...o, ...(ownId && { ownId }), isWoken: false });
    this.#index.set(waiter, [idOf(o.resource, keyOf(o.key))]);
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
    this.#watchFor(wait);
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

  #watchFor(wait: Wait): void {
    const { resource, key } = wait;
    const isWatchable = resource.verbs === undefined || resource.verbs.includes('watch');
    if (!isWatchable) return;
    const { client, namespace } = this.#options;
    const only = resource.namespaced ? namespace : undefined;
    const isShown = only === undefined || only === key.namespace;
    const id = kindIdOf(resource);
    if (isShown && this.#isAllowed(id)) this.#watch(id, { client, resource, namespace: only });
    else this.#watchAlone(wait);
  }

  /** Watches nothing but the object, for which the right to see it by its name is enough. */
  #watchAlone(wait: Wait): void {
    const { resource, key, own, ownId: id } = wait;
    if (own === undefined || id === undefined || !this.#isAllowed(id)) return;
    const { name, namespace } = key;
    const fieldSelector = `metadata.name=${name}`;
    this.#watch(id, { client: own, resource, namespace, fieldSelector });
  }

  #isAllowed(id: string): boolean {
    return this.#clock.now() >= (this.#refusedUntil.get(id) ?? 0);
  }

  #watch(
    id: string,
    o: Pick<InformerOptions<KubeObject>, 'client' | 'resource' | 'namespace' | 'fieldSelector'>,
  ): void {
    if (this.#watches.has(id)) return;
    this.#refusedUntil.delete(id);
    const { logger, monitor } = this.#options;
    const informer = createInformer<KubeObject>({
      ...o,
      logger,
      monitor,
      metadataOnly: true,
      transform: nameAndVersion,
      optional: true,
      onHealth: (health) => this.#observe(id, health),
    });
    this.#watches.set(id, informer);
    informer.onEvent((event) => this.#noticed(id, o.resource, event));
    informer.start();
    informer.synced().then(
      () => this.#missed(id, informer),
      (error: unknown) =>
        this.#options.logger.debug({ watch: id, error: errorMessage(error) }, 'Watch has ended'),
    );
  }

  /** Of what was deleted between the look at it and the first list of a watch, no event tells. */
  #missed(id: string, informer: Informer<KubeObject>): void {
    for (const [waiter, wait] of this.#waits) {
      const isHere = kindIdOf(wait.resource) === id || wait.ownId === id;
      if (!isHere || wait.isWoken || wait.seen?.version === undefined) continue;
      if (informer.get(keyOf(wait.key)) !== undefined) continue;
      wait.isWoken = true;
      this.#wake(waiter);
    }
  }

  #observe(id: string, health: InformerHealth): void {
    if (health.type !== 'failed') return;
    const { error } = health;
    if (!isForbidden(error) && !isNotFound(error)) return;
    this.#say(id, error);
    this.#refusedUntil.set(id, this.#clock.now() + refusalMs);
    this.#end(id);
    if (!isForbidden(error)) return;
    for (const wait of this.#waits.values())
      if (wait.seen !== undefined && kindIdOf(wait.resource) === id) this.#watchAlone(wait);
  }

  /** Says once what nobody can watch, until it was watched again. */
  #say(id: string, error: unknown): void {
    const isAlone = [...this.#waits.values()].some(({ ownId }) => ownId === id);
    const level = isAlone && !this.#said.has(id) ? 'warn' : 'debug';
    if (isAlone) this.#said.add(id);
    this.#options.logger[level](
      { watch: id, error: errorMessage(error) },
      'What is depended upon cannot be watched: allow list and watch to the account in a role',
    );
  }

  #noticed(id: string, resource: ApiResource, { type, object }: InformerEvent<KubeObject>): void {
    const { resourceVersion } = object.metadata;
    const isShared = id === kindIdOf(resource);
    for (const waiter of this.#index.dependantsOf(idOf(resource, keyOf(object)))) {
      const wait = this.#waits.get(waiter);
      if (wait === undefined || wait.isWoken || !isNews(wait, type, resourceVersion)) continue;
      if (!isShared && wait.ownId !== id) continue;
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
    const used = new Set(
      [...this.#waits.values()].flatMap(({ resource, ownId }) => [kindIdOf(resource), ownId]),
    );
    for (const id of this.#watches.keys()) if (!used.has(id)) this.#end(id);
    for (const id of this.#said) if (!used.has(id)) this.#said.delete(id);
    for (const id of this.#refusedUntil.keys())
      if (!used.has(id) && this.#isAllowed(id)) this.#refusedUntil.delete(id);
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

function ownIdOf({ identity }: KubeClient, { resource, key }: Expectation): string {
  return `${identity} ${idOf(resource, keyOf(key))}`;
}

function kindIdOf({ group, version, plural }: ApiResource): string {
  return `${group}/${version}/${plural}`;
}

function idOf(resource: ApiResource, key: string): string {
  return `${kindIdOf(resource)}/${key}`;
}
