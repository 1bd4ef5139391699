import { previousOf } from '@sluice/shared/applier';
import type { Release, ReleaseStatus } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import { type Snapshot, verifySnapshot } from '../release/snapshot.ts';
import { fieldManager } from '../release/storage.ts';
import type { Action } from './action.ts';
import type { ReleaseCondition } from './release-condition.ts';
import { type Run, storageOf } from './run.ts';
import {
  activeRemediation,
  failureCount,
  isExhausted,
  type ReleaseAction,
  remediationOf,
  retryIntervalOf,
  timeoutOf,
} from './spec.ts';
import { draftOf } from './status.ts';

/** What to do next. */
export type Decision =
  | Action
  /** It is as desired. */
  | { type: 'nothing'; release: Release; revision: StoredRevision }
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
function decideOnUnfinished(
  run: Run,
  found: ReleaseCondition & { type: 'pending' | 'uninstalling' },
): Decision {
  const takeOver: Action = { type: found.type === 'pending' ? 'unlock' : 'uninstall' };
  const { writer } = found.revision;
  if (writer.manager === fieldManager) return takeOver;
  const begun = found.release.version === 1 ? 'install' : 'upgrade';
  const action = found.type === 'pending' ? begun : 'uninstall';
  const untilMs = Date.parse(writer.time) + timeoutOf(run.object, action);
  // A time that cannot be read must not lock the release for ever.
  if (!(run.ctx.clock.now() < untilMs)) return takeOver;
  const { status } = found.release.info;
  const message = `Revision ${found.release.version} is ${status} by '${writer.manager}': waiting for its end`;
  return { type: 'wait', untilMs, message };
}

/**
 * Returns a revision that is still stored as status.history knows it; only its status may have moved on. Undefined when it
 * is gone, or was changed by somebody.
 */
export async function intactRelease(run: Run, snapshot: Snapshot): Promise<Release | undefined> {
  const storage = await storageOf(run);
  const release = await storage.get(snapshot.name, snapshot.version);
  if (release === undefined) return undefined;
  const before = {
    ...release,
    info: { ...release.info, status: snapshot.status as ReleaseStatus },
  };
  return verifySnapshot(snapshot, before) === 'changed' ? undefined : release;
}

async function decideOnFailure(run: Run): Promise<Decision> {
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
  if (target !== undefined) {
    if (await intactRelease(run, target)) return { type: 'rollback', version: target.version };
    return { type: 'upgrade' };
  }
  return {
    type: 'stall',
    reason: 'MissingRollbackTarget',
    message: 'Failed to remediate: there is no earlier good release to roll back to',
  };
}

/** Whether an action may not be tried again for what is desired. */
function isOutOfTries(run: Run, action: ReleaseAction): boolean {
  const { object, deps, forced } = run;
  const isRetried = retryIntervalOf(object, action, deps.settings.retryByDefault) !== undefined;
  return !isRetried && !forced && isExhausted(remediationOf(object, action), draftOf(run));
}

/**
 * Decides what to do next about a release.
 *
 * @see https://fluxcd.io/flux/components/helm/helmreleases/#configuring-failure-handling
 */
export async function decide(run: Run, found: ReleaseCondition): Promise<Decision> {
  switch (found.type) {
    case 'in-sync':
      return run.forced ? { type: 'upgrade' } : { ...found, type: 'nothing' };
    case 'untested':
      return { type: 'test' };
    case 'pending':
    case 'uninstalling':
      return decideOnUnfinished(run, found);
    case 'unmanaged':
      return { type: 'upgrade' };
    case 'failed':
      return decideOnFailure(run);
    case 'absent':
      return isOutOfTries(run, 'install') ? exhausted(run) : { type: 'install' };
    case 'out-of-sync':
      return isOutOfTries(run, 'upgrade') ? exhausted(run) : { type: 'upgrade' };
  }
}
