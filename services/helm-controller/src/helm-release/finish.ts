import { chartOf, pinOf, releaseOf } from '@sluice/shared/applier';
import { formatDuration } from '@sluice/shared/base';
import { done, failed, type Outcome, readyCondition, retry, stalled } from '@sluice/shared/runtime';
import { truncate, truncateToNewest } from '../release/history.ts';
import type { Decision } from './decide.ts';
import { chartReferenceOf } from './resolve-source.ts';
import type { Run } from './run.ts';
import { activeRemediation, failureCount, isExhausted, retryIntervalOf } from './spec.ts';
import {
  draftOf,
  driftedCondition,
  isTrue,
  latestSnapshot,
  releasedCondition,
  remediatedCondition,
  setCondition,
  summarize,
} from './status.ts';

/** Returns the time until a failed action is tried again, in milliseconds; undefined when failures are remediated. */
export function activeRetryInterval(run: Run): number | undefined {
  const { object, deps } = run;
  const { lastAttemptedReleaseAction } = draftOf(run);
  return retryIntervalOf(object, lastAttemptedReleaseAction, deps.settings.retryByDefault);
}

/** Drops from the history what no rollback will need. */
function truncateHistory(run: Run): void {
  const status = draftOf(run);
  if (status.history === undefined) return;
  if (activeRetryInterval(run) !== undefined) {
    status.history = truncateToNewest(status.history);
    return;
  }
  const remediation = activeRemediation(run.object, status);
  const ignoreTests =
    remediation?.ignoreTestFailures ?? run.object.spec.test?.ignoreFailures ?? false;
  status.history = truncate(status.history, ignoreTests);
}

/** A release that is as desired is good, whatever made it necessary to say otherwise before. */
function noteGoodRelease(run: Run): void {
  const snapshot = latestSnapshot(run);
  const wasRemediated = isTrue(run, remediatedCondition);
  run.ctx.status.removeCondition(remediatedCondition);
  const isReady = isTrue(run, readyCondition) && isTrue(run, releasedCondition);
  if ((isReady && !wasRemediated) || snapshot === undefined) return;
  const action = snapshot.version === 1 ? 'Install' : 'Upgrade';
  const message = `Helm ${action.toLowerCase()} of ${releaseOf(snapshot)} with chart ${chartOf(snapshot)} succeeded`;
  if (!isTrue(run, releasedCondition) || wasRemediated)
    setCondition(run, releasedCondition, { status: 'True', reason: `${action}Succeeded`, message });
}

/** Notes that the release was found, or made, as desired. */
export function noteInSync(run: Run): void {
  truncateHistory(run);
  noteGoodRelease(run);
  const mode = run.object.spec.driftDetection?.mode ?? 'disabled';
  if (mode === 'disabled') run.ctx.status.removeCondition(driftedCondition);
  summarize(run);
  notePin(run);
}

/** Until another chart is released with success, its artifact is what a rollback needs. */
function notePin(run: Run): void {
  const { object, artifact, deps } = run;
  const status = draftOf(run);
  if (!deps.settings.pinsArtifacts) {
    delete status.pinnedArtifacts;
    return;
  }
  if (artifact === undefined || !isTrue(run, readyCondition)) return;
  status.pinnedArtifacts = [pinOf(chartReferenceOf(object), artifact)];
}

/**
 * Ends a reconcile that found, or made, the release as desired; it may not be good all the same, as when its tests fail.
 *
 * @param lookAgainMs milliseconds until it is looked at again, when that is before the interval
 */
export function finishInSync({ ctx }: Run, lookAgainMs: number | undefined): Outcome {
  const isBad = ctx.status.getCondition(readyCondition)?.status === 'False';
  return isBad ? failed(lookAgainMs) : done(lookAgainMs);
}

/** Ends an attempt that failed, with or without its remediation, and says when to try again. */
export function finishFailed(run: Run, o: { isRemediated: boolean }): Outcome {
  truncateHistory(run);
  const interval = activeRetryInterval(run);
  if (interval !== undefined) {
    return retry(`Trying again after ${formatDuration(interval)}`, interval);
  }
  const status = draftOf(run);
  const remediation = activeRemediation(run.object, status);
  const goesOn =
    remediation === undefined ||
    !isExhausted(remediation, status) ||
    (o.isRemediated && remediation.action === 'upgrade' && remediation.strategy === 'uninstall');
  if (goesOn) {
    const why = run.ctx.status.getCondition(readyCondition)?.message ?? 'Trying again';
    return retry(run.masker.mask(why));
  }
  if (!o.isRemediated) return failed();
  const attempts = failureCount(status, remediation.action);
  const message = `Failed to ${remediation.action} after ${attempts} attempt(s)`;
  return finishStalled(run, { type: 'stall', reason: 'RetriesExceeded', message });
}

/** Ends an attempt after which only a change helps. */
export function finishStalled(
  run: Run,
  { reason, message }: Extract<Decision, { type: 'stall' }>,
): Outcome {
  truncateHistory(run);
  return stalled(reason, message);
}
