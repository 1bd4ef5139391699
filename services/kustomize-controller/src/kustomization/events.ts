import {
  eventCommitStatusKey,
  eventCommitStatusUpdate,
  eventOriginRevisionKey,
  eventRevisionKey,
} from '@sluice/shared/api';
import { formatDuration, joinLines, ReconcileError } from '@sluice/shared/base';
import { progressingReason } from '@sluice/shared/runtime';
import type { Run } from './run.ts';
import { succeededReason } from './status.ts';

/** Returns the revision that events are about. */
export function eventMetadata(run: Run): Record<string, string> {
  const { status } = run.object;
  const revision = run.source?.revision ?? status?.lastAppliedRevision;
  const originRevision = run.source?.originRevision ?? status?.lastAppliedOriginRevision;
  return {
    ...(revision && { [eventRevisionKey]: revision }),
    ...(originRevision && { [eventOriginRevisionKey]: originRevision }),
  };
}

/** Announces something that happened on the way. */
export function sayProgress(run: Run, message: string): Promise<void> {
  return run.ctx.event({
    severity: 'info',
    reason: progressingReason,
    message: run.masker.mask(message),
    metadata: eventMetadata(run),
  });
}

/** Announces that a reconcile has ended well; it also updates the status of the commit at its Git provider. */
export function sayFinished(run: Run, durationMs: number): Promise<void> {
  const took = formatDuration(Math.max(1, Math.round(durationMs)));
  return run.ctx.event({
    severity: 'info',
    reason: succeededReason,
    message: `Reconciliation finished in ${took}, next run in ${run.object.spec.interval}`,
    metadata: { ...eventMetadata(run), [eventCommitStatusKey]: eventCommitStatusUpdate },
  });
}

/** Announces drift, and that it was corrected. */
export async function sayDrift(
  run: Run,
  reason: 'DriftDetected' | 'DriftCorrected',
  message: string,
): Promise<void> {
  const isCorrected = reason === 'DriftCorrected';
  const masked = run.masker.mask(message);
  run.ctx.logger.info({ drift: masked }, isCorrected ? 'Drift corrected' : 'Drift detected');
  if (!isCorrected) return sayWarning(run, reason, message);
  await run.ctx.event({
    severity: 'info',
    reason,
    message: joinLines([masked]),
    metadata: eventMetadata(run),
  });
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

/** Returns an expected error with the revision it is about, and without values of Secrets that were substituted. */
export function describeError(run: Run, error: ReconcileError): ReconcileError {
  return new ReconcileError(error.kind, error.reason, run.masker.mask(error.message), {
    retryAfterMs: error.retryAfterMs,
    metadata: { ...eventMetadata(run), ...error.metadata },
  });
}
