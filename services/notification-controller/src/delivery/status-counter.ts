import type { AlertStatus, KindDefinition, KubeObject } from '@sluice/shared/api';
import { type Clock, type Logger, mapConcurrently, systemClock } from '@sluice/shared/base';
import { isConflict, isNotFound, type KubeClient, parseKey, resourceOf } from '@sluice/shared/kube';
import { statusPatch } from '@sluice/shared/runtime';

/** What is counted in the status of Alerts and Providers. */
export type DeliveryCounts = Omit<AlertStatus, 'conditions' | 'observedGeneration'>;

export interface StatusCounterOptions<T extends KubeObject> {
  client: KubeClient;
  kind: KindDefinition<T>;
  /** The present object, by `namespace/name`. */
  objectOf: (key: string) => T | undefined;
  controllerName: string;
  logger: Logger;
  clock?: Clock;
}

type Counted = KubeObject & { status?: DeliveryCounts };

/** Milliseconds that counts wait for others of the same object; up to half as many more, so that replicas part. */
const delayMs = 4_000;
const maxDelayMs = 60_000;
const hourMs = 60 * 60_000;
const requests = 2;
const maxTries = 4;

/**
 * Adds counts to the status of objects of one kind. Each write adds what this process has counted since its last one,
 * to the status of just that resource version, so that no replica's counts are lost to another's. Nothing is written
 * for an object about which nothing was counted.
 */
export class StatusCounter<T extends KubeObject> {
  readonly #options: StatusCounterOptions<T>;
  readonly #clock: Clock;
  #counts = new Map<string, DeliveryCounts>();
  #timer?: { cancel(): void };
  #writing: Promise<void> = Promise.resolve();
  #failures = 0;
  /** Until when the kind is taken to have no status, as where the CRDs are Flux's. */
  #mutedUntil = 0;
  #closed = false;

  constructor(options: StatusCounterOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Counts for an object; for one that does not exist nothing. Numbers add up, texts replace earlier ones. */
  count(key: string, change: DeliveryCounts): void {
    if (this.#closed || this.#clock.now() < this.#mutedUntil) return;
    if (this.#options.objectOf(key) === undefined) return;
    this.#counts.set(key, sum(this.#counts.get(key), change));
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing;
    await this.#write();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed || this.#counts.size === 0) return;
    const delay = Math.min(delayMs * 2 ** this.#failures, maxDelayMs) * (1 + Math.random() / 2);
    this.#timer = this.#clock.setTimer(() => {
      this.#writing = this.#write().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, delay);
  }

  async #write(): Promise<void> {
    const counts = this.#counts;
    this.#counts = new Map();
    let failed = false;
    await mapConcurrently([...counts], requests, async ([key, change]) => {
      try {
        await this.#add(key, change);
      } catch (error) {
        failed = true;
        this.#options.logger.debug({ error, object: key }, 'Counts of deliveries are not written');
        this.#counts.set(key, sum(change, this.#counts.get(key) ?? {}));
      }
    });
    this.#failures = failed ? this.#failures + 1 : 0;
  }

  async #add(key: string, change: DeliveryCounts): Promise<void> {
    const { client, kind, objectOf, controllerName } = this.#options;
    const resource = resourceOf(kind as KindDefinition);
    let object = objectOf(key) as Counted | undefined;
    for (let tries = 1; object !== undefined && this.#clock.now() >= this.#mutedUntil; tries++) {
      const { uid, resourceVersion } = object.metadata;
      const patch = { metadata: { uid, resourceVersion }, status: sum(object.status, change) };
      try {
        await client.patch(resource, parseKey(key), patch, statusPatch(controllerName));
        return;
      } catch (error) {
        const isExpected = isConflict(error) || isNotFound(error);
        if (!isExpected || tries >= maxTries) throw error;
        object = await this.#current(key);
        if (isNotFound(error) && object !== undefined) this.#mute();
      }
    }
  }

  /** As the API server has it now; undefined when it is gone. */
  async #current(key: string): Promise<Counted | undefined> {
    const { client, kind } = this.#options;
    try {
      return await client.get<Counted>(resourceOf(kind as KindDefinition), parseKey(key));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #mute(): void {
    const { kind, logger } = this.#options;
    this.#mutedUntil = this.#clock.now() + hourMs;
    this.#counts.clear();
    logger.info(
      { controllerKind: kind.kind },
      'The kind has no status: deliveries are counted in metrics only; install the CRDs of Sluice for it',
    );
  }
}

const numbers = ['delivered', 'failed', 'deadLettered', 'suppressed'] as const;

function sum(before: DeliveryCounts | undefined, change: DeliveryCounts): DeliveryCounts {
  const result: DeliveryCounts = { ...before, ...change };
  for (const name of numbers) {
    const total = (before?.[name] ?? 0) + (change[name] ?? 0);
    if (total > 0) result[name] = total;
  }
  return result;
}
