import type { Condition, KindDefinition, KubeObject } from '@sluice/shared/api';
import type { Clock, Logger } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';

/**
 * How soon a key is served, most urgent first: a person's request, drift, the end of a wait, which comes first among those
 * of its namespace only, a change, a background interval.
 */
export type Priority = 'request' | 'drift' | 'progress' | 'change' | 'sync';

/**
 * How a reconcile that threw nothing ended. `outcome.ts` makes conditions of it; what Ready says of an object that is
 * not as it should be is the reconciler's to write.
 */
export type Outcome =
  | { type: 'done'; requeueAfterMs?: number }
  | { type: 'failed'; requeueAfterMs?: number }
  | { type: 'retry'; message: string; afterMs?: number }
  | { type: 'stalled'; message: string; reason: string }
  | { type: 'waiting'; deadlineAt?: number };

/**
 * The object is as it should be; it runs again after the object's interval.
 *
 * @param requeueAfterMs instead of the interval, in milliseconds, jittered like it; `Infinity` for never
 */
export function done(requeueAfterMs?: number): Outcome {
  return { type: 'done', requeueAfterMs };
}

/**
 * The object is not as it should be, as its Ready condition says, and nothing is tried before it is looked at again.
 *
 * @param requeueAfterMs as for {@link done}
 */
export function failed(requeueAfterMs?: number): Outcome {
  return { type: 'failed', requeueAfterMs };
}

/** The object is not as it should be, as its Ready condition says, and only a change helps. */
export function stalled(reason: string, message: string): Outcome {
  return { type: 'stalled', reason, message };
}

/**
 * The work goes on elsewhere and holds no slot: a watch re-enqueues the key when something happens.
 *
 * @param deadlineAt when the key is re-enqueued at the latest, in milliseconds since the epoch
 */
export function waiting(deadlineAt?: number): Outcome {
  return { type: 'waiting', deadlineAt };
}

/**
 * The object is not as it should be yet, as its Ready condition says; it is tried again soon.
 *
 * @param message says so, without secret values
 * @param afterMs in milliseconds; the exponential backoff of the key when not given
 */
export function retry(message: string, afterMs?: number): Outcome {
  return { type: 'retry', message, afterMs };
}

/** Something that happened to an object, for people and for alerts. */
export interface EventInput {
  /** `error` becomes a Warning; `trace` is seen in the cluster only and never leaves it. */
  severity: 'info' | 'error' | 'trace';
  reason: string;
  message: string;
  /** Facts such as `revision`; keys without a slash are prefixed by the object's API group. */
  metadata?: Record<string, string>;
  /** For alerts and commit statuses only: nobody would look for it in the cluster. */
  alertsOnly?: boolean;
}

/** Records what happened to objects. */
export interface EventRecorder {
  /**
   * Queues a Kubernetes Event, unless it is for alerts only, and, for `info` and `error`, stores the event in the sink.
   * Resolves once the sink holds it durably; never waits for the API server.
   */
  record(object: KubeObject, event: EventInput): Promise<void>;
  /** Resolves once every queued Kubernetes Event was sent or given up, or after the time, in milliseconds. */
  flush(timeoutMs?: number): Promise<void>;
}

/** The type of the status of an object type. */
export type StatusOf<T> = T extends { status?: infer S } ? NonNullable<S> : Record<string, unknown>;

/** Changes of a status, as a JSON merge patch. */
export type StatusChanges = Record<string, unknown>;

/** The status of an object while a reconcile works on it. */
export interface StatusDraft<T extends KubeObject> {
  /** The object as it was when the reconcile began. */
  readonly observed: T;
  /** The working copy; change it freely, {@link StatusDraft.patch} finds what changed. */
  readonly status: StatusOf<T>;
  /** Adds or replaces a condition; its transition time moves only with its status. */
  setCondition(condition: {
    type: string;
    status: Condition['status'];
    reason: string;
    message: string;
  }): void;
  removeCondition(type: string): void;
  getCondition(type: string): Condition | undefined;
  /**
   * Says that work is under way: Reconciling=True, and Ready=Unknown unless Ready is True or False.
   *
   * @param options `unready` sets Ready=Unknown whatever it was, as when a new revision is being applied
   */
  reconciling(reason: string, message: string, options?: { unready?: boolean }): void;
  /** Says that all is well: Ready=True, neither Reconciling nor Stalled, the generation observed. */
  ready(reason: string, message: string): void;
  /**
   * Says that it failed: Ready=False, and Stalled=True or Reconciling=True depending on whether a retry may help, with
   * this very reason in place of whatever was said before.
   */
  failed(reason: string, message: string, options?: { stalled?: boolean }): void;
  /** Says that it is tried again: Reconciling=True, not Stalled; Ready stays. */
  retrying(message: string): void;
  /** Says that nothing more happens before something changes: not Reconciling, Stalled if told why, the generation observed. */
  settled(stalled?: { reason: string; message: string }): void;
  /**
   * Takes back what changed since the last write.
   *
   * @returns the changes, which {@link StatusDraft.redo} makes in a later draft; undefined when there are none
   */
  undo(): StatusChanges | undefined;
  /** Makes changes that were taken back. */
  redo(changes: StatusChanges): void;
  /**
   * Writes what changed since the last write in one request; none when nothing did.
   *
   * @throws ApiError when the API server refuses it, or when others kept changing the status during five tries
   * @throws ObjectGoneError when the object does not exist any more; let it pass, the controller handles it
   */
  patch(): Promise<void>;
}

/** The trace span of a reconcile. */
export interface ReconcileSpan {
  set(attributes: Record<string, string | number | boolean>): void;
  event(name: string, attributes?: Record<string, string | number | boolean>): void;
  /** Marks the span as failed. The message must hold no secret. */
  fail(message: string): void;
}

/** Everything a reconcile may use. */
export interface ReconcileContext<T extends KubeObject> {
  object: T;
  key: string;
  logger: Logger;
  /** Aborts when the process stops or loses its leadership. */
  signal: AbortSignal;
  priority: Priority;
  status: StatusDraft<T>;
  client: KubeClient;
  clock: Clock;
  event(event: EventInput): Promise<void>;
  span: ReconcileSpan;
}

/** What one kind's objects mean. Implemented by the services; called by the controller, never twice at once for one key. */
export interface Reconciler<T extends KubeObject> {
  kind: KindDefinition<T>;
  /** Name of the service, such as `kustomize-controller`; part of field managers and events. */
  controllerName: string;
  /** Defaults to Flux's finalizer when `finalize` is given. */
  finalizer?: string;
  /**
   * Makes the world as the object says. Re-entrant: it may be interrupted anywhere and run again.
   * The controller writes the status draft after it returns or throws.
   *
   * @throws ReconcileError whose kind decides conditions, event and requeue; anything else counts as a bug
   */
  reconcile(context: ReconcileContext<T>): Promise<Outcome>;
  /** Undoes it for an object being deleted, suspended ones included; once `done` the finalizer is removed. */
  finalize?(context: ReconcileContext<T>): Promise<Outcome>;
  /**
   * Whether an object has to be held by the finalizer; all unless told. One that no longer has to be is let go after
   * its next reconcile.
   */
  isHeld?(object: T): boolean;
  /**
   * The W3C traceparent of what makes a reconcile necessary, such as of the artifact that is to be applied; undefined
   * when nothing is new. A request comes first.
   */
  cause?(object: T): string | undefined;
  /** Time between background reconciles in milliseconds; `spec.interval` when not given. */
  intervalMs?(object: T): number | undefined;
  /** Time until the retry of a failure in milliseconds; exponential backoff when undefined. */
  failureInterval?(object: T): number | undefined;
  /** Longest time until the retry of a failure in milliseconds, however far its backoff has grown; any when undefined. */
  latestRetry?(object: T): number | undefined;
}
