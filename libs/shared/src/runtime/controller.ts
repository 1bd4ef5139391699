import type { KindDefinition, KubeObject } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, systemClock } from '@sluice/shared/base';
import {
  type Informer,
  type InformerEvent,
  type KubeClient,
  keyOf,
  parseKey,
} from '@sluice/shared/kube';
import { LeadershipLostError } from './leader/leadership.ts';
import type { ControllerMetrics, Metrics } from './observe/metrics.ts';
import type { Settlement } from './outcome.ts';
import { reasonToReconcile } from './predicates.ts';
import type { QueueItem } from './queue/queue.ts';
import { createWorkQueue, type WorkQueue } from './queue/workqueue.ts';
import { type ReconcileOptions, reconcileObject } from './reconcile-key.ts';
import type { EventRecorder, Priority, Reconciler } from './reconciler.ts';
import { ObjectGoneError } from './status/status-patch.ts';
import { WrittenObjects } from './status/written-objects.ts';
import { type SuspensionListener, suspensionChange } from './suspension.ts';

/** A reconcile under way. */
interface Running {
  uid: string | undefined;
  /** It is a deletion, which goes on even when the object is gone. */
  finalizes: boolean;
  abort: AbortController;
}

/** Runs a reconciler for every object of its kind that the informer knows. */
export interface Controller<T extends KubeObject> {
  readonly informer: Informer<T>;
  /** Asks for a reconcile of a key, at once or after a time in milliseconds. */
  enqueue(key: string, options?: { priority?: Priority; afterMs?: number }): void;
  /**
   * Starts the informer and reconciles until the signal aborts; then takes no new work, lets running
   * reconciles finish for `drainMs`, aborts them, and resolves when all have ended.
   */
  run(signal: AbortSignal): Promise<void>;
}

export interface ControllerOptions<T extends KubeObject> {
  reconciler: Reconciler<T>;
  client: KubeClient;
  informer: Informer<T>;
  /** Reconciles that run at once for one namespace; one more runs for others. */
  concurrency: number;
  events: EventRecorder;
  metrics: Metrics;
  logger: Logger;
  clock?: Clock;
  /** Bounds of the exponential backoff, in milliseconds. */
  minRetryDelayMs: number;
  maxRetryDelayMs: number;
  intervalJitterPercentage: number;
  /** Least interval that an object may ask for, in milliseconds; none when not given. */
  leastIntervalMs?: number;
  /** Fallback after which a `waiting` error is tried again, in milliseconds; 30 s when not given. */
  dependencyRequeueMs?: number;
  /** Hears of suspensions. */
  onSuspension?: SuspensionListener<T> | undefined;
  /** Time that running reconciles get to finish on shutdown, in milliseconds; 10 s when not given. */
  drainMs?: number;
}

const defaultDependencyRequeueMs = 30_000;
const defaultDrainMs = 10_000;
const reservedSlots = 1;

class ObjectController<T extends KubeObject> implements Controller<T> {
  readonly informer: Informer<T>;
  readonly #options: ControllerOptions<T>;
  readonly #reconcileOptions: ReconcileOptions<T>;
  readonly #queue: WorkQueue;
  readonly #metrics: ControllerMetrics;
  readonly #written = new WrittenObjects<T>();
  readonly #running = new Map<string, Running>();
  readonly #clock: Clock;

  constructor(options: ControllerOptions<T>) {
    this.#options = options;
    this.informer = options.informer;
    this.#clock = options.clock ?? systemClock;
    this.#metrics = options.metrics.forController(options.reconciler.kind as KindDefinition);
    this.#metrics.describe(() => this.#objects());
    this.#queue = createWorkQueue({
      clock: this.#clock,
      minRetryDelayMs: options.minRetryDelayMs,
      maxRetryDelayMs: options.maxRetryDelayMs,
      perNamespace: options.concurrency,
      observer: this.#metrics.queue,
    });
    this.#reconcileOptions = {
      ...options,
      clock: this.#clock,
      dependencyRequeueMs: options.dependencyRequeueMs ?? defaultDependencyRequeueMs,
      leastIntervalMs: options.leastIntervalMs ?? 0,
    };
  }

  enqueue(key: string, options: { priority?: Priority; afterMs?: number } = {}): void {
    this.#queue.addAfter(key, options.afterMs ?? 0, options);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { concurrency, logger, reconciler } = this.#options;
    const unsubscribe = [
      this.informer.onEvent((event) => this.#onEvent(event)),
      this.informer.onRefused((event) => this.#onEvent(event)),
    ];
    const drain = this.#drainSignal(signal);
    try {
      this.informer.start();
      await this.informer.synced(signal);
      this.#metrics.concurrency(concurrency + reservedSlots);
      logger.info({ controllerKind: reconciler.kind.kind, concurrency }, 'Controller started');
      // One more than a namespace may hold, so that a newcomer of another one waits for nobody's slow work.
      const length = concurrency + reservedSlots;
      const workers = Array.from({ length }, () => this.#work(signal, drain.signal));
      await Promise.all(workers);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      drain.cancel();
      for (const end of unsubscribe) end();
      this.#queue.close();
      await this.informer.stop();
    }
  }

  /** A signal that aborts `drainMs` after the given one, but at once when the leadership is lost. */
  #drainSignal(signal: AbortSignal): { signal: AbortSignal; cancel(): void } {
    const hard = new AbortController();
    const onAbort = () => {
      if (signal.reason instanceof LeadershipLostError) return hard.abort(signal.reason);
      const ms = this.#options.drainMs ?? defaultDrainMs;
      const timer = this.#clock.setTimer(() => hard.abort(signal.reason), ms);
      hard.signal.addEventListener('abort', () => timer.cancel());
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    return {
      signal: hard.signal,
      cancel: () => {
        signal.removeEventListener('abort', onAbort);
        hard.abort();
      },
    };
  }

  #onEvent(event: InformerEvent<T>): void {
    const key = keyOf(event.object);
    this.#abortWhenDeleted(key, event);
    if (event.type === 'deleted') {
      this.#forget(key);
      return;
    }
    this.#tellSuspension(event);
    const priority = reasonToReconcile(event);
    if (!priority) return;
    // A new spec deserves a fresh start, whatever happened with the old one.
    this.#queue.forget(key);
    this.#queue.add(key, { priority });
  }

  #tellSuspension(event: InformerEvent<T>): void {
    const { onSuspension } = this.#options;
    const change = onSuspension && suspensionChange(event.object, event.previous);
    if (change !== undefined) void onSuspension?.(change);
  }

  /** What is done for an object ends with it: nobody waits for the result, and others wait for the slot. */
  #abortWhenDeleted(key: string, { type, object }: InformerEvent<T>): void {
    const running = this.#running.get(key);
    if (running === undefined || running.finalizes) return;
    const isDeleted = type === 'deleted' || object.metadata.deletionTimestamp !== undefined;
    if (isDeleted || object.metadata.uid !== running.uid) {
      running.abort.abort(new ObjectGoneError('The object is deleted'));
    }
  }

  #objects(): T[] {
    const refused = [...this.informer.refused.values()].map(({ object }) => object);
    return [...this.informer.list(), ...refused];
  }

  #find(key: string): T | undefined {
    return this.informer.get(key) ?? this.informer.refused.get(key)?.object;
  }

  async #work(signal: AbortSignal, hard: AbortSignal): Promise<void> {
    for (let item = await this.#queue.get(signal); item; item = await this.#queue.get(signal)) {
      try {
        await this.#reconcile(item, hard);
      } finally {
        this.#queue.done(item.key);
      }
    }
  }

  async #reconcile({ key, priority, waitedMs }: QueueItem, hard: AbortSignal): Promise<void> {
    // What was scheduled before is overtaken by the reconcile that runs now.
    this.#queue.cancelDelayed(key);
    const object = this.#written.current(key, this.#find(key));
    if (!object) {
      this.#queue.forget(key);
      return;
    }
    const logger = this.#loggerFor(key);
    const onWritten = (written: T) => this.#written.record(key, written);
    const { uid, deletionTimestamp } = object.metadata;
    const abort = new AbortController();
    this.#running.set(key, { uid, finalizes: deletionTimestamp !== undefined, abort });
    const signal = AbortSignal.any([hard, abort.signal]);
    const job = { key, object, priority, waitedMs, logger, signal, onWritten };
    const end = this.#metrics.begin(object);
    try {
      const settlement = await reconcileObject(job, this.#reconcileOptions);
      end(settlement);
      this.#requeue(key, settlement.requeue);
    } catch (error) {
      end(undefined);
      const stack = error instanceof Error ? error.stack : undefined;
      logger.error({ error: errorMessage(error), stack }, 'Runtime failed; this is a bug');
      this.#requeue(key, { how: 'backoff' });
    } finally {
      this.#running.delete(key);
    }
    if (!this.#find(key)) this.#forget(key);
  }

  #forget(key: string): void {
    this.#written.forget(key);
    this.#queue.cancelDelayed(key);
    this.#queue.forget(key);
    this.#metrics.forget(parseKey(key));
  }

  #loggerFor(key: string): Logger {
    const { kind } = this.#options.reconciler;
    const { name, namespace } = parseKey(key);
    return this.#options.logger.child({
      controller: kind.kind.toLowerCase(),
      controllerGroup: kind.group,
      controllerKind: kind.kind,
      name,
      namespace,
    });
  }

  #requeue(key: string, requeue: Settlement['requeue']): void {
    if (requeue.how === 'backoff') {
      const { atLeastMs, atMostMs } = requeue;
      this.#queue.addRateLimited(key, { priority: 'sync', atLeastMs, atMostMs });
      return;
    }
    if (requeue.forget) this.#queue.forget(key);
    if (requeue.how === 'after') {
      this.#queue.addAfter(key, requeue.ms, { priority: requeue.priority });
    }
  }
}

/**
 * Makes the controller of one kind. What it guarantees:
 *
 * 1. A key is never reconciled twice at once; at most `concurrency` keys of one namespace are reconciled at once, and
 *    one more of others, so that one namespace never holds all slots.
 * 2. Every change of an object's spec, deletion, or reconcile request that the informer reports is
 *    followed by a reconcile that sees it; a change during a reconcile leads to another one after it.
 * 3. Changes of the status and of other metadata, our own writes above all, lead to no reconcile.
 * 4. A reconcile sees the effect of the previous one's writes on its object, however late the informer is.
 * 5. A suspended object is left alone and not looked at again before it changes, or its suspension ends; deletion goes on.
 * 6. The finalizer is on the object before the first effect, and goes only after `finalize` is done.
 * 7. `waiting` holds no slot. An earlier timer of a key never survives a reconcile of the key.
 * 8. One object's failure, of whatever kind, affects no other object. One that its informer refuses gets a condition
 *    that says why, and nothing else is done for it until it is corrected or deleted.
 * 9. `status.lastHandledReconcileAt` is part of the last status write, also of a failed reconcile, and is
 *    not written while a reconcile is `waiting`.
 * 10. The signal of a reconcile aborts as soon as its object is known to be deleted, so that nothing goes on for it but
 *    its deletion.
 */
export function createController<T extends KubeObject>(
  options: ControllerOptions<T>,
): Controller<T> {
  return new ObjectController(options);
}
