import { errorMessage } from '@sluice/shared/base';
import { chartOf, releaseOf } from '../release/history.ts';
import { sayFailure, saySuccess } from './events.ts';
import type { Run } from './run.ts';
import type { ActionEnd, Collected } from './state.ts';
import {
  clearFailures,
  clearHistory,
  draftOf,
  latestSnapshot,
  noteRelease,
  releasedCondition,
  setCondition,
} from './status.ts';

/** Notes that the release which was made last is uninstalled, or why it is not. */
export async function collectFormer(run: Run, { release, error }: ActionEnd): Promise<Collected> {
  const status = draftOf(run);
  const snapshot = latestSnapshot(run);
  const shown = snapshot && `${releaseOf(snapshot)} with chart ${chartOf(snapshot)}`;
  if (release !== undefined && snapshot?.version === release.version)
    noteRelease(run, release, 'uninstall');
  // Helm counts a release as uninstalled although something after the deletion failed.
  const isGone = error === undefined || release?.info.status === 'uninstalled';
  if (!isGone) {
    const reason = 'UninstallFailed';
    const message = `Helm uninstall of ${shown} failed: ${errorMessage(error)}`;
    status.failures = (status.failures ?? 0) + 1;
    setCondition(run, releasedCondition, { status: 'False', reason, message });
    return { error, reason, message };
  }
  const reason = 'UninstallSucceeded';
  const message = `Helm uninstall of ${shown} succeeded`;
  setCondition(run, releasedCondition, { status: 'False', reason, message });
  if (snapshot !== undefined) {
    await saySuccess(run, { reason, message, about: snapshot });
    if (error !== undefined)
      await sayFailure(run, {
        reason: 'UninstallFailed',
        message: errorMessage(error),
        about: snapshot,
      });
  }
  clearHistory(run);
  clearFailures(run);
  delete status.inventory;
  delete status.storageNamespace;
  run.state.applied.clear();
  run.state.held.keepOnly([]);
  run.deps.clusters.forget(run.ctx.key);
  return { reason, message };
}
