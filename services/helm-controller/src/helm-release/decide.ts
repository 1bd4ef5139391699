import { previousOf } from '../release/history.ts';
import { fieldManager } from '../release/storage.ts';
import type { Doing } from './doing.ts';
import type { ReleaseCondition } from './observe.ts';
import type { Run } from './run.ts';
import {
  activeRemediation,
  failureCount,
  isExhausted,
  remediationOf,
  retryIntervalOf,
  timeoutOf,
} from './spec.ts';
import { draftOf } from './status.ts';

/** What to do next. */
export type Decision =
  | Doing
  | { type: 'nothing' }
  /** Somebody else is at work on the release until then, in milliseconds since the epoch. */
  | { type: 'wait'; untilMs: number; message: string }
  /** Nothing but a change helps. */
  | { type: 'stall'; reason: 'RetriesExceeded' | 'MissingRollbackTarget'; message: string };

function exhausted(run: Run): Decision {
  const status = draftOf(run);
  const action = status.lastAttemptedReleaseAction ?? 'install';
  const attempts = failureCount(status, action);
  return {
    type: 'stall',
    reason: 'RetriesExceeded',
    message: `Failed to ${action} after ${attempts} attempt(s)`,
  };
}

/**
 * An action that this controller began cannot be alive any more; one that somebody else began gets the time that such
 * actions take.
 */
function decideOnPending(run: Run, found: ReleaseCondition & { type: 'pending' }): Decision {
  const { writer } = found.revision;
  if (writer.manager === fieldManager) return { type: 'unlock' };
  const action = found.release.version === 1 ? 'install' : 'upgrade';
  const untilMs = Date.parse(writer.time) + timeoutOf(run.object, action);
  // A time that cannot be read must not lock the release for ever.
  if (!(run.ctx.clock.now() < untilMs)) return { type: 'unlock' };
  const { status } = found.release.info;
  const message = `Revision ${found.release.version} is ${status} by '${writer.manager}': waiting for its end`;
  return { type: 'wait', untilMs, message };
}

function decideOnFailure(run: Run): Decision {
  const { object, deps } = run;
  const status = draftOf(run);
  const { retryByDefault } = deps.settings;
  if (retryIntervalOf(object, status.lastAttemptedReleaseAction, retryByDefault) !== undefined)
    return { type: 'upgrade' };
  const remediation = activeRemediation(object, status);
  // Without a failure, what it failed with has changed since.
  if (remediation === undefined || failureCount(status, remediation.action) === 0 || run.forced)
    return { type: 'upgrade' };
  if (isExhausted(remediation, status) && !remediation.remediateLastFailure) return exhausted(run);
  if (remediation.strategy === 'uninstall') return { type: 'uninstall' };
  const target = previousOf(status.history ?? [], remediation.ignoreTestFailures);
  if (target !== undefined) return { type: 'rollback', version: target.version };
  return {
    type: 'stall',
    reason: 'MissingRollbackTarget',
    message: 'Failed to remediate: there is no earlier good release to roll back to',
  };
}

/**
 * Decides what to do next about a release.
 *
 * @see https://fluxcd.io/flux/components/helm/helmreleases/#configuring-failure-handling
 */
export function decide(run: Run, found: ReleaseCondition): Decision {
  const status = draftOf(run);
  switch (found.type) {
    case 'in-sync':
      return run.forced ? { type: 'upgrade' } : { type: 'nothing' };
    case 'untested':
      return { type: 'test' };
    case 'pending':
      return decideOnPending(run, found);
    case 'uninstalling':
      return { type: 'uninstall' };
    case 'unmanaged':
      return { type: 'upgrade' };
    case 'failed':
      return decideOnFailure(run);
    case 'absent': {
      const remediation = remediationOf(run.object, 'install');
      return isExhausted(remediation, status) && !run.forced ? exhausted(run) : { type: 'install' };
    }
    case 'out-of-sync': {
      const remediation = remediationOf(run.object, 'upgrade');
      return isExhausted(remediation, status) && !run.forced ? exhausted(run) : { type: 'upgrade' };
    }
  }
}
