import {
  eventCommitStatusKey,
  eventCommitStatusUpdate,
  eventOriginRevisionKey,
  eventRevisionKey,
} from '@sluice/shared/api';
import { formatDuration, ReconcileError } from '@sluice/shared/base';
import { progressingReason } from '@sluice/shared/runtime';
import type { Run } from './run.ts';
import { succeededReason } from './status.ts';

/** Longest list of changes in an event, in characters. */
const maxListLength = 4000;

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

/** Joins lines up to a length, and says how many were left out. */
export function joinLines(lines: string[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > maxListLength) break;
    shown.push(line);
  }
  const left = lines.length - shown.length;
  return left === 0 ? shown.join('\n') : `${shown.join('\n')}\n… and ${left} more`;
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

/** Announces drift, or something else on which people may want to act. */
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
