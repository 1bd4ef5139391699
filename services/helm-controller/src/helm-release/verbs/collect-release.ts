import { eventFacts } from '@sluice/shared/applier';
import { errorMessage } from '@sluice/shared/base';
import { warnOfFlux } from '@sluice/shared/engine';
import { hasBeenTested } from '../../release/history.ts';
import { objectsOf } from '../../release/manifest.ts';
import type { Release } from '../../release/release.ts';
import type { Snapshot } from '../../release/snapshot.ts';
import type { ActionEnd, Collected } from '../action.ts';
import { sayFailure, saySuccess } from '../events.ts';
import { heldEntries } from '../inventory.ts';
import type { Run } from '../run.ts';
import { countFailure, type ReleaseAction, retryIntervalOf } from '../spec.ts';
import {
  clearFailures,
  clearHistory,
  draftOf,
  latestSnapshot,
  noteRelease,
  releasedCondition,
  remediatedCondition,
  setCondition,
  testSuccessCondition,
} from '../status.ts';
import { collectFailure, noteKnown, shown } from './collected.ts';

function noteAwaitedTests(run: Run, snapshot: Snapshot): void {
  if (!run.object.spec.test?.enable || hasBeenTested(snapshot)) return;
  setCondition(run, testSuccessCondition, {
    status: 'Unknown',
    reason: 'AwaitingTests',
    message: `The tests${shown(snapshot)} have not run yet`,
  });
}

/** Warns of controllers of Flux in what was released. */
async function warnOfControllers(run: Run, release: Release | undefined): Promise<void> {
  const message = release && warnOfFlux(objectsOf(release.manifest));
  if (message !== undefined) await sayFailure(run, { reason: 'FluxControllers', message });
}

/** Notes in the status and announces what an install or an upgrade has come to. */
export async function collectRelease(
  run: Run,
  end: ActionEnd,
  { action, ...reasons }: { action: ReleaseAction; succeeded: string; failed: string },
): Promise<Collected> {
  const { release, others, error, inventory, changes } = end;
  const { status: draft } = run.ctx;
  const status = draftOf(run);
  const isLost = error !== undefined && release === undefined;
  status.lastAttemptedReleaseAction = action;
  draft.removeCondition(testSuccessCondition);
  draft.removeCondition(remediatedCondition);
  // There is nothing before an install that could be gone back to.
  if (action === 'install') clearHistory(run);
  if (release !== undefined) noteRelease(run, release, action);
  noteKnown(run, others);
  if (inventory !== undefined && !isLost)
    status.inventory = { entries: heldEntries(run, inventory) };
  const snapshot = latestSnapshot(run);
  if (error !== undefined) {
    const chart = run.desired?.chart.metadata;
    const target = `${run.releaseNamespace}/${run.releaseName} with chart ${chart?.name}@${chart?.version}`;
    const reason = reasons.failed;
    const message = `Helm ${action} failed for release ${target}: ${errorMessage(error)}`;
    const condition = releasedCondition;
    await collectFailure(run, { condition, reason, message, isThrown: isLost, end });
    if (!isLost) countFailure(status, action);
    return { reason, message, ...(isLost && { error }) };
  }
  const reason = reasons.succeeded;
  const message = `Helm ${action}${shown(snapshot)} succeeded`;
  setCondition(run, releasedCondition, { status: 'True', reason, message });
  if (snapshot !== undefined) {
    noteAwaitedTests(run, snapshot);
    await warnOfControllers(run, release);
    if (changes !== undefined) snapshot.changes = changes.summary;
    const more = changes === undefined ? '' : `\n${changes.text}`;
    const facts = eventFacts({ changes: changes?.text });
    await saySuccess(run, { reason, message: `${message}${more}`, about: snapshot, facts });
  }
  const { retryByDefault } = run.deps.settings;
  if (retryIntervalOf(run.object, action, retryByDefault) !== undefined) clearFailures(run);
  return { reason, message };
}
