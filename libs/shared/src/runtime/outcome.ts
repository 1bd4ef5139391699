import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, jitter, type Logger, printable, ReconcileError } from '@sluice/shared/base';
import { ApiError, ConnectionError } from '@sluice/shared/kube';
import type { EventInput, Outcome, Priority, StatusDraft } from './reconciler.ts';
import { readyCondition } from './status/conditions.ts';

/** Reason of a failure that no reconciler foresaw. */
export const internalErrorReason = 'InternalError';
/** Reason of a request to the API server that failed where no reconciler had a better one. */
export const apiRequestFailedReason = 'APIRequestFailed';

/** When a key runs again, and whether its backoff starts anew. */
export type Requeue =
  | { how: 'never'; forget: boolean }
  | { how: 'after'; ms: number; priority: Priority; forget: boolean }
  | { how: 'backoff'; atLeastMs?: number | undefined; atMostMs?: number | undefined };

/** How a reconcile ended, in the words of controller-runtime's metrics. */
export interface Settlement {
  result: 'success' | 'requeue' | 'requeue_after' | 'error';
  terminal: boolean;
  /** Whether the object is as it should be; undefined while that is not decided. */
  succeeded?: boolean;
  /** Says why the object is not as it should be. */
  error?: string;
  requeue: Requeue;
}

/** Times of the requeues, in milliseconds. */
export interface RequeueTimes {
  /** Background interval; none when undefined. */
  intervalMs: number | undefined;
  /** Retry of a failure; exponential backoff when undefined. */
  failureIntervalMs: number | undefined;
  /** Longest time until the retry of a failure, however far its backoff has grown; any when undefined. */
  latestRetryMs: number | undefined;
  /** Fallback when the event awaited does not come. */
  dependencyMs: number;
  /** Least time between two reconciles of an object that asks for them by an interval. */
  leastMs: number;
  jitterPercentage: number;
  nowMs: number;
}

/** Decides when a key runs again after a reconcile that threw nothing. */
export function settleOutcome(outcome: Outcome, times: RequeueTimes): Settlement {
  switch (outcome.type) {
    case 'done':
    case 'failed': {
      const succeeded = outcome.type === 'done';
      const ms = outcome.requeueAfterMs ?? times.intervalMs ?? Number.POSITIVE_INFINITY;
      if (!Number.isFinite(ms))
        return { ...settled('success', { how: 'never', forget: true }), succeeded };
      const jittered = jitter(Math.max(ms, times.leastMs), times.jitterPercentage);
      return { ...settled('requeue_after', after(jittered, 'sync', true)), succeeded };
    }
    case 'stalled':
      return stalledBecause(outcome.message);
    case 'waiting': {
      if (outcome.deadlineAt === undefined) {
        return settled('success', { how: 'never', forget: false });
      }
      const ms = Math.max(0, outcome.deadlineAt - times.nowMs);
      return settled('requeue_after', after(ms, 'change', false));
    }
    case 'retry':
      return outcome.afterMs === undefined
        ? settled('requeue', backoff(times))
        : settled(
            'requeue_after',
            after(Math.max(outcome.afterMs, times.leastMs), 'change', false),
          );
  }
}

/**
 * Says in the conditions how a reconcile ended that threw nothing. What `waiting` is for, the reconciler has said.
 *
 * | outcome | Reconciling | Stalled | generation |
 * |---|---|---|---|
 * | `done`, `failed` | - | - | observed, if the status says anything |
 * | `retry` | True, ProgressingWithRetry | - | |
 * | `stalled` | - | True | observed |
 */
export function noteOutcome<T extends KubeObject>(outcome: Outcome, status: StatusDraft<T>): void {
  switch (outcome.type) {
    case 'done':
    case 'failed':
      if (status.getCondition(readyCondition) !== undefined) status.settled();
      return;
    case 'retry':
      status.retrying(outcome.message);
      return;
    case 'stalled':
      status.settled({ reason: outcome.reason, message: outcome.message });
  }
}

/**
 * Turns anything a reconcile threw into conditions, an event, a log line and a requeue. The only place that does.
 *
 * | thrown | conditions | event | log | again |
 * |---|---|---|---|---|
 * | `stalled` | Ready=False, Stalled=True, generation observed | error | error | when the object changes |
 * | `retryable` | Ready=False, Reconciling=True | error | error | failure interval, else backoff; not before `retryAfterMs` |
 * | `waiting` | Ready=False, Reconciling=True | info, when the reason or message is new | info | when re-enqueued; fallback timer |
 * | ApiError, ConnectionError | as `retryable`, reason APIRequestFailed | error | error | as `retryable` |
 * | anything else | as `retryable`, reason InternalError | error | error with stack | backoff |
 *
 * Equal failures in a row emit equal events: the recorder aggregates those in the cluster, and
 * notification-controller those it delivers.
 */
export async function settleError<T extends KubeObject>(
  thrown: unknown,
  context: {
    status: StatusDraft<T>;
    logger: Logger;
    times: RequeueTimes;
    event(event: EventInput): Promise<void>;
  },
): Promise<Settlement> {
  const failure = describe(thrown);
  const before = context.status.getCondition(readyCondition);
  const isNews = before?.reason !== failure.reason || before?.message !== failure.message;
  context.status.failed(failure.reason, failure.message, { stalled: failure.kind === 'stalled' });
  log(context.logger, failure, thrown);
  if (failure.kind !== 'waiting' || isNews) {
    await context.event({
      severity: failure.kind === 'waiting' ? 'info' : 'error',
      reason: failure.reason,
      message: failure.message,
      metadata: failure.metadata,
    });
  }
  return { ...settleFailure(failure, context.times), error: failure.message };
}

interface Failure {
  kind: ReconcileError['kind'] | 'bug';
  reason: string;
  message: string;
  retryAfterMs?: number;
  metadata?: Record<string, string>;
}

function describe(thrown: unknown): Failure {
  const failure = failureOf(thrown);
  // As conditions have it, with which it is compared.
  return { ...failure, message: printable(failure.message) };
}

function failureOf(thrown: unknown): Failure {
  if (thrown instanceof ReconcileError) {
    const { kind, reason, message, retryAfterMs, metadata } = thrown;
    return { kind, reason, message, retryAfterMs, metadata };
  }
  const message = errorMessage(thrown);
  if (thrown instanceof ApiError || thrown instanceof ConnectionError) {
    const retryAfterMs = thrown instanceof ApiError ? thrown.retryAfterMs : undefined;
    return { kind: 'retryable', reason: apiRequestFailedReason, message, retryAfterMs };
  }
  return { kind: 'bug', reason: internalErrorReason, message: `Internal error: ${message}` };
}

function log(logger: Logger, failure: Failure, thrown: unknown): void {
  const fields = { reason: failure.reason, error: failure.message };
  switch (failure.kind) {
    case 'waiting':
      logger.info({ reason: failure.reason, why: failure.message }, 'Waiting');
      return;
    case 'stalled':
      logger.error(fields, 'Reconciliation stalled until the object changes');
      return;
    case 'retryable':
      logger.error(fields, 'Reconciliation failed');
      return;
    case 'bug': {
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      logger.error({ ...fields, stack }, 'Reconciliation failed unexpectedly; this is a bug');
    }
  }
}

function settleFailure(failure: Failure, times: RequeueTimes): Settlement {
  const { retryAfterMs } = failure;
  switch (failure.kind) {
    case 'stalled':
      return stalledBecause(failure.message);
    case 'waiting':
      return settled('requeue_after', after(retryAfterMs ?? times.dependencyMs, 'sync', true));
    case 'bug':
      return settled('error', backoff(times));
    case 'retryable':
      return times.failureIntervalMs === undefined
        ? settled('error', backoff(times, retryAfterMs))
        : settled(
            'error',
            after(
              Math.max(times.failureIntervalMs, retryAfterMs ?? 0, times.leastMs),
              'sync',
              true,
            ),
          );
  }
}

function stalledBecause(error: string): Settlement {
  return { result: 'error', terminal: true, error, requeue: { how: 'never', forget: true } };
}

function settled(result: Settlement['result'], requeue: Requeue): Settlement {
  return { result, terminal: false, requeue };
}

function backoff({ latestRetryMs, leastMs }: RequeueTimes, atLeastMs?: number): Requeue {
  const atMostMs = latestRetryMs === undefined ? undefined : Math.max(latestRetryMs, leastMs);
  return { how: 'backoff', atLeastMs, atMostMs };
}

function after(ms: number, priority: Priority, forget: boolean): Requeue {
  return { how: 'after', ms, priority, forget };
}
