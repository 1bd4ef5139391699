import { formatDuration } from '@sluice/shared/base';
import {
  progressingReason,
  progressingWithRetryReason,
  reconcilingCondition,
  stalledCondition,
} from '@sluice/shared/runtime';
import type { Action } from './action.ts';
import type { Run } from './run.ts';
import { verbOf } from './verbs/verbs.ts';

/** Says what is done, in the words of Flux. */
export function progressMessage({
  action,
  timeoutMs,
}: {
  action: Action;
  timeoutMs: number;
}): string {
  return `Running '${action.type}' action with a timeout of ${formatDuration(timeoutMs)}`;
}

/** Writes the conditions of a beginning action and nothing else of the draft. */
async function writeAtOnce({ ctx: { status } }: Run, begin: () => void): Promise<void> {
  const changes = status.undo();
  begin();
  await status.patch();
  status.redo(changes ?? {});
  begin();
}

/**
 * Notes, before the first effect, what is done and where the records of the release are: without this, nobody could
 * uninstall it. What the status says of the failure of another attempt is replaced; the failure of an equal one stays
 * true until the action shows that it waits.
 */
export async function announceAction(run: Run, action: Action): Promise<void> {
  const { status } = run.ctx;
  const { storageNamespace, failures = 0 } = status.observed.status ?? {};
  const isStalled = status.getCondition(stalledCondition) !== undefined;
  const reconciling = status.getCondition(reconcilingCondition);
  const isRetrying = reconciling?.reason === progressingWithRetryReason;
  const isOutdated = isStalled || (isRetrying && run.isNewAttempt);
  const message = progressMessage({ action, timeoutMs: verbOf(action).timeoutMs(run) });
  const begin = () => status.reconciling(progressingReason, message);
  if (action.type === 'install') status.status.lastAttemptedReleaseAction = action.type;
  if (storageNamespace !== run.storageNamespace) {
    if (isOutdated) begin();
    await status.patch();
  } else if (isOutdated && (failures > 0 || isStalled)) await writeAtOnce(run, begin);
}
