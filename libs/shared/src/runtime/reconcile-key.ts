import {
  finalizer as defaultFinalizer,
  type KindDefinition,
  type KubeObject,
  reconcileRequestAnnotation,
  withoutWrongFields,
  wrongFieldOf,
} from '@sluice/shared/api';
import { errorMessage, formatDuration, type Logger, StalledError } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizer.ts';
import { LeadershipLostError } from './leader/leadership.ts';
import { requestedTraceparent, withSpan } from './observe/tracing-api.ts';
import { noteOutcome, type Settlement, settleError, settleOutcome } from './outcome.ts';
import {
  defaultTimes,
  invalidSpecReason,
  type TimesOptions,
  timesOf,
} from './queue/requeue-times.ts';
import type {
  EventRecorder,
  Outcome,
  Priority,
  ReconcileContext,
  Reconciler,
} from './reconciler.ts';
import { isSuspended } from './status/conditions.ts';
import { createStatusDraft, ObjectGoneError } from './status/status-patch.ts';
import {
  forgetSuspension,
  holdSuspended,
  type SuspensionListener,
  suspendedCondition,
} from './suspension.ts';

/** What reconciling one object needs besides the object. */
export interface ReconcileOptions<T extends KubeObject> extends TimesOptions<T> {
  client: KubeClient;
  events: EventRecorder;
  onSuspension?: SuspensionListener<T> | undefined;
}

/** One object about to be reconciled. */
export interface Job<T extends KubeObject> {
  key: string;
  object: T;
  priority: Priority;
  waitedMs: number;
  logger: Logger;
  signal: AbortSignal;
  onWritten(object: T): void;
}

const nothing: Settlement = {
  result: 'success',
  terminal: false,
  requeue: { how: 'never', forget: true },
};
const tryAgain: Settlement = { result: 'error', terminal: false, requeue: { how: 'backoff' } };

/**
 * Reconciles one object from beginning to end: finalizer, reconcile or finalize, events, status.
 *
 * @returns how it ended and when it runs again; never throws for what the reconciler or the API server did
 */
export async function reconcileObject<T extends KubeObject>(
  job: Job<T>,
  options: ReconcileOptions<T>,
): Promise<Settlement> {
  try {
    if (isHeldSuspended(job.object)) return await holdSuspended(job, options);
    const object = await prepare(job, options);
    if (!object) return nothing;
    const { kind } = options.reconciler.kind;
    const { name, namespace = '' } = object.metadata;
    const attributes = {
      'sluice.object.kind': kind,
      'sluice.object.name': name,
      'k8s.namespace.name': namespace,
      'sluice.priority': job.priority,
      'sluice.waited_ms': job.waitedMs,
    };
    const parent = requestedTraceparent(object) ?? causeOf(job, object, options);
    return await withSpan(`reconcile ${kind}`, { parent, attributes }, (span) =>
      run({ ...job, object }, options, span),
    );
  } catch (error) {
    if (error instanceof ObjectGoneError || isShutdown(error, job.signal)) return nothing;
    job.logger.error({ error: errorMessage(error) }, 'Status or finalizer could not be written');
    return tryAgain;
  }
}

/** A trace is not worth a failure. */
function causeOf<T extends KubeObject>(
  { logger }: Job<T>,
  object: T,
  { reconciler }: ReconcileOptions<T>,
): string | undefined {
  try {
    return wrongField(object, reconciler) === undefined ? reconciler.cause?.(object) : undefined;
  } catch (error) {
    logger.warn({ error: errorMessage(error) }, 'The cause of a reconcile could not be told');
    return undefined;
  }
}

/** What makes an object unusable, so that it is only said, and undone when the object is being deleted. */
function wrongField<T extends KubeObject>(object: T, { kind }: Reconciler<T>): string | undefined {
  return wrongFieldOf(kind as KindDefinition, object);
}

/** Whatever is thrown when the process may not go on says nothing about the object. */
function isShutdown(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || error instanceof LeadershipLostError;
}

/** Returns the object to work on, held by its finalizer; undefined when there is nothing to do. */
async function prepare<T extends KubeObject>(
  job: Job<T>,
  options: ReconcileOptions<T>,
): Promise<T | undefined> {
  const finalizer = finalizerOf(options.reconciler);
  if (isDeleted(job.object)) {
    const { object } = job;
    if (!finalizer || !hasFinalizer(object, finalizer)) return undefined;
    return withoutWrongFields(options.reconciler.kind as KindDefinition, object);
  }
  const object = await forgetSuspension(job, options);
  if (!finalizer || hasFinalizer(object, finalizer)) return object;
  if (wrongField(object, options.reconciler) !== undefined) return object;
  if (!isHeld(object, options.reconciler)) return object;
  const { client, reconciler } = options;
  const { kind, controllerName } = reconciler;
  const held = await addFinalizer({ client, kind, object, finalizer, controllerName });
  if (!held || !hasFinalizer(held, finalizer)) return undefined;
  job.onWritten(held);
  return held;
}

function isHeldSuspended(object: KubeObject): boolean {
  return isSuspended(object) && !isDeleted(object);
}

function isHeld<T extends KubeObject>(object: T, reconciler: Reconciler<T>): boolean {
  return reconciler.isHeld?.(object) ?? true;
}

function finalizerOf<T extends KubeObject>(reconciler: Reconciler<T>): string | undefined {
  return reconciler.finalizer ?? (reconciler.finalize ? defaultFinalizer : undefined);
}

async function run<T extends KubeObject>(
  job: Job<T>,
  options: ReconcileOptions<T>,
  span: ReconcileContext<T>['span'],
): Promise<Settlement> {
  const startedAt = options.clock.now();
  let latest = job.object;
  const onWritten = (written: T) => {
    latest = written;
    job.onWritten(written);
  };
  const context = contextOf({ ...job, onWritten }, options, span);
  context.status.removeCondition(suspendedCondition);
  const { outcome, settlement } = await callReconciler(context, options);
  span.set({ 'sluice.result': outcome?.type ?? 'error' });
  if (settlement.result === 'error') span.fail(settlement.error ?? '');
  if (isDeleted(job.object) && outcome?.type === 'done') {
    await release(latest, options, job);
    return nothing;
  }
  if (outcome?.type !== 'waiting') markHandled(context);
  await context.status.patch();
  if (outcome?.type === 'done' && !isHeld(job.object, options.reconciler)) {
    await release(latest, options, job);
  }
  if (outcome !== undefined && isOver(outcome))
    logFinished(context, settlement, options.clock.now() - startedAt);
  return settlement;
}

/** Whether nothing more is to come of a reconcile by itself. */
function isOver({ type }: Outcome): boolean {
  return type !== 'waiting' && type !== 'retry';
}

function logFinished<T extends KubeObject>(
  { logger }: ReconcileContext<T>,
  { requeue }: Settlement,
  durationMs: number,
): void {
  const next = requeue.how === 'after' ? formatDuration(Math.round(requeue.ms)) : undefined;
  logger.info({ durationMs, next }, 'Reconciliation finished');
}

function contextOf<T extends KubeObject>(
  { object, key, logger, signal, priority, onWritten }: Job<T>,
  { reconciler, client, clock, events }: ReconcileOptions<T>,
  span: ReconcileContext<T>['span'],
): ReconcileContext<T> {
  const { kind, controllerName } = reconciler;
  return {
    object,
    key,
    logger,
    signal,
    priority,
    client,
    clock,
    span,
    status: createStatusDraft({ object, kind, client, clock, controllerName, onWritten }),
    event: (event) => events.record(object, event),
  };
}

/** Calls the reconciler and settles what it returns or throws. */
async function callReconciler<T extends KubeObject>(
  context: ReconcileContext<T>,
  options: ReconcileOptions<T>,
): Promise<{ outcome?: Outcome; settlement: Settlement }> {
  const { reconciler, clock } = options;
  const deleting = isDeleted(context.object);
  let times = defaultTimes(options);
  try {
    const problem = deleting ? undefined : wrongField(context.object, reconciler);
    if (problem !== undefined) throw new StalledError(invalidSpecReason, problem);
    // Before anything is done, so that a bad interval has no effects; it must not hinder the deletion.
    if (!deleting) times = { ...times, ...timesOf(context.object, reconciler) };
    const outcome = await (deleting
      ? finalize(reconciler, context)
      : reconciler.reconcile(context));
    noteOutcome(outcome, context.status);
    return { outcome, settlement: settleOutcome(outcome, { ...times, nowMs: clock.now() }) };
  } catch (error) {
    if (error instanceof ObjectGoneError || isShutdown(error, context.signal)) throw error;
    return { settlement: await settleError(error, { ...context, times }) };
  }
}

function isDeleted(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

function finalize<T extends KubeObject>(
  reconciler: Reconciler<T>,
  context: ReconcileContext<T>,
): Promise<Outcome> {
  return reconciler.finalize?.(context) ?? Promise.resolve({ type: 'done' });
}

async function release<T extends KubeObject>(
  object: T,
  { client, reconciler }: ReconcileOptions<T>,
  job: Job<T>,
): Promise<void> {
  const finalizer = finalizerOf(reconciler);
  if (!finalizer) return;
  const { kind, controllerName } = reconciler;
  const released = await removeFinalizer({ client, kind, object, finalizer, controllerName });
  if (released) job.onWritten(released);
}

/** Clients take the request as handled once this shows, so it is part of the last write only. */
function markHandled<T extends KubeObject>({ object, status }: ReconcileContext<T>): void {
  const request = object.metadata.annotations?.[reconcileRequestAnnotation];
  if (request === undefined) return;
  (status.status as Record<string, unknown>)['lastHandledReconcileAt'] = request;
}
