import {
  eventCommitStatusKey,
  eventCommitStatusUpdate,
  eventOriginRevisionKey,
  eventRevisionKey,
} from '@sluice/shared/api';
import { maskedError, tellDrift } from '@sluice/shared/applier';
import { originFacts } from '@sluice/shared/artifact';
import { formatDuration, type ReconcileError } from '@sluice/shared/base';
import { progressingReason } from '@sluice/shared/runtime';
import type { Run } from './run.ts';
import { succeededReason } from './status.ts';

/** Returns the revision that events are about, and what is known of where it comes from. */
export function eventMetadata(run: Run): Record<string, string> {
  const { status } = run.object;
  const revision = run.source?.revision ?? status?.lastAppliedRevision;
  const originRevision = run.source?.originRevision ?? status?.lastAppliedOriginRevision;
  return {
    ...(revision && { [eventRevisionKey]: revision }),
    ...(originRevision && { [eventOriginRevisionKey]: originRevision }),
    ...originFacts(run.source?.artifact),
  };
}

/**
 * Announces something that happened on the way.
 *
 * @param facts metadata about just that
 */
export function sayProgress(
  run: Run,
  message: string,
  facts: Record<string, string> = {},
): Promise<void> {
  return run.ctx.event({
    severity: 'info',
    reason: progressingReason,
    message: run.masker.mask(message),
    metadata: { ...eventMetadata(run), ...facts },
  });
}

/**
 * Announces that a reconcile has ended well; it also updates the status of the commit at its Git provider.
 *
 * @param o.idle it has found nothing to do, for which many of one source need no Kubernetes Event with each commit
 */
export function sayFinished(run: Run, o: { durationMs: number; idle: boolean }): Promise<void> {
  const { durationMs, idle } = o;
  const took = formatDuration(Math.max(1, Math.round(durationMs)));
  return run.ctx.event({
    severity: 'info',
    reason: succeededReason,
    message: `Reconciliation finished in ${took}, next run in ${run.object.spec.interval}`,
    metadata: { ...eventMetadata(run), [eventCommitStatusKey]: eventCommitStatusUpdate },
    alertsOnly: idle,
  });
}

/** Announces drift, or that it was corrected. */
export function sayDrift(
  run: Run,
  reason: 'DriftDetected' | 'DriftCorrected',
  message: string,
): Promise<void> {
  return tellDrift(run, reason, { message, metadata: eventMetadata(run) });
}

/** Announces something on which people may want to act. */
export function sayWarning(run: Run, reason: string, message: string): Promise<void> {
  return run.ctx.event({
    severity: 'error',
    reason,
    message: run.masker.mask(message),
    metadata: eventMetadata(run),
  });
}

/** Returns an expected error with what it is about, and without values of Secrets. */
export function describeError(run: Run, error: ReconcileError): ReconcileError {
  return maskedError(run, error, eventMetadata(run));
}
