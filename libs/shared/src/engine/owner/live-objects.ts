import type { KubeObject } from '@sluice/shared/api';
import { type Clock, type Logger, silentLogger, systemClock } from '@sluice/shared/base';
import {
  type ApiResource,
  ConnectionError,
  createInformer,
  type Informer,
  type InformerHealth,
  isForbidden,
  isNotFound,
  type KubeClient,
  keyOf,
  type ObjectKey,
} from '@sluice/shared/kube';
import { compactObject } from '../object/compact-object.ts';
import type { ApplierIdentity } from './applier-identity.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';

export type { LiveChange, LiveObjects } from './live-types.ts';

export interface LiveObjectsOptions {
  client: KubeClient;
  /** Which objects to hold, such as the existence of an ownership label. */
  labelSelector: string;
  /** The only namespace to watch; all unless told. */
  namespace?: string | undefined;
  /** Of its field manager the time of the last change is kept. */
  identity: ApplierIdentity;
  /** What to keep of an object; `compactObject` unless told. */
  transform?: (object: KubeObject) => KubeObject;
  /** Milliseconds for which `ensure` waits; 30,000 unless told. */
  syncTimeoutMs?: number;
  /** Milliseconds for which a refusal is taken as the answer without asking again; 60,000 unless told. */
  refusalMs?: number;
  /**
   * Told of each refusal, after which nothing is known any more. Without it, a watch that was allowed once is tried on,
   * and what it has shown stays known.
   */
  onRefused?: (error: unknown) => void;
  logger?: Logger;
  clock?: Clock;
}

const defaultSyncTimeoutMs = 30_000;
const defaultRefusalMs = 60_000;
/** A kind that is gone for this many attempts in a row is gone. */
const attemptsUntilGone = 3;

/** Creates the shared live state of labelled objects; watches start with `ensure`. */
export function createLiveObjects(o: LiveObjectsOptions): LiveObjects {
  return new SharedWatches(o);
}

interface Watched {
  informer: Informer<KubeObject>;
  /** Rejects when the server refuses for good. */
  refused: PromiseWithResolvers<never>;
}

class SharedWatches implements LiveObjects {
  readonly #options: LiveObjectsOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #transform: (object: KubeObject) => KubeObject;
  readonly #watched = new Map<string, Watched>();
  readonly #refusals = new Map<string, { error: unknown; until: number }>();
  readonly #listeners = new Set<(change: LiveChange) => void>();
  #stopped = false;

  constructor(options: LiveObjectsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#transform = options.transform ?? ((object) => compactObject(object, options.identity));
  }

  async ensure(resource: ApiResource): Promise<void> {
    const id = resourceId(resource);
    const refusal = this.#refusals.get(id);
    if (refusal !== undefined && refusal.until > this.#clock.now()) throw refusal.error;
    const { informer, refused } = this.#watched.get(id) ?? this.#watch(id, resource);
    if (informer.hasSynced) return;
    const timeoutMs = this.#options.syncTimeoutMs ?? defaultSyncTimeoutMs;
    const timeout = new AbortController();
    const timer = this.#clock.setTimer(
      () => timeout.abort(timeoutError(resource, timeoutMs)),
      timeoutMs,
    );
    try {
      await Promise.race([informer.synced(timeout.signal), refused.promise]);
    } finally {
      timer.cancel();
    }
  }

  isSynced(resource: ApiResource): boolean {
    return this.#watched.get(resourceId(resource))?.informer.hasSynced ?? false;
  }

  get(resource: ApiResource, key: ObjectKey): KubeObject | undefined {
    return this.#watched.get(resourceId(resource))?.informer.get(keyIn(resource, key));
  }

  list(resource: ApiResource): KubeObject[] {
    return this.#watched.get(resourceId(resource))?.informer.list() ?? [];
  }

  onChange(listener: (change: LiveChange) => void): () => void {
    const own = (change: LiveChange) => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async release(resource: ApiResource): Promise<void> {
    await this.#drop(resourceId(resource));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#watched.keys()].map((id) => this.#drop(id)));
  }

  #watch(id: string, resource: ApiResource): Watched {
    if (this.#stopped)
      throw new Error(`live objects were stopped; cannot watch ${resource.plural}`);
    const refused = Promise.withResolvers<never>();
    // Whoever waits sees the rejection; when nobody does, it is no unhandled one.
    refused.promise.catch(() => {});
    const informer = createInformer<KubeObject>({
      client: this.#options.client,
      resource,
      namespace: this.#options.namespace,
      labelSelector: this.#options.labelSelector,
      transform: this.#transform,
      logger: this.#logger,
      clock: this.#clock,
      onHealth: (health) => this.#observe(id, health),
    });
    informer.onEvent((event) => this.#emit({ ...event, resource }));
    const watched = { informer, refused };
    this.#watched.set(id, watched);
    informer.start();
    return watched;
  }

  #observe(id: string, health: InformerHealth): void {
    const watched = this.#watched.get(id);
    if (health.type !== 'failed' || watched === undefined) return;
    const { error, attempt } = health;
    const { hasSynced } = watched.informer;
    const { onRefused, refusalMs = defaultRefusalMs } = this.#options;
    if (isForbidden(error) && (!hasSynced || onRefused !== undefined)) {
      this.#refusals.set(id, { error, until: this.#clock.now() + refusalMs });
      watched.refused.reject(error);
      this.#end(id);
      onRefused?.(error);
    } else if (isNotFound(error) && (!hasSynced || attempt + 1 >= attemptsUntilGone)) {
      watched.refused.reject(error);
      this.#dropAndTell(id, watched);
    }
  }

  /** Ends the watch of a kind that is not there; its objects count as deleted. */
  #dropAndTell(id: string, { informer }: Watched): void {
    const { resource } = informer;
    const objects = informer.list();
    this.#end(id);
    for (const object of objects) this.#emit({ type: 'deleted', resource, object });
  }

  #end(id: string): void {
    this.#drop(id).catch((error: unknown) => this.#logger.error({ error }, 'watch did not stop'));
  }

  async #drop(id: string): Promise<void> {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    await watched?.informer.stop();
  }

  #emit(change: LiveChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        const key = keyOf(change.object);
        this.#logger.error({ error, key }, 'listener to live objects failed');
      }
    }
  }
}

export function resourceId({ group, version, plural }: ApiResource): string {
  return `${group}/${version}/${plural}`;
}

function keyIn(resource: ApiResource, { namespace, name }: ObjectKey): string {
  return keyOf({ name, namespace: resource.namespaced ? namespace : undefined });
}

function timeoutError(resource: ApiResource, timeoutMs: number): ConnectionError {
  return new ConnectionError({
    code: 'TIMEOUT',
    verb: 'LIST',
    path: resource.plural,
    message: `the objects of ${resource.plural} were not listed within ${timeoutMs} ms`,
  });
}
