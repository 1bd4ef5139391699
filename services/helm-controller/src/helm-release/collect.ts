import { errorMessage, formatDuration, joinLines } from '@sluice/shared/base';
import { idsOf, warnOfFlux } from '@sluice/shared/engine';
import { ActionError } from '../action/context.ts';
import { chartOf, hasBeenTested, latestOf, releaseOf } from '../release/history.ts';
import { objectsOf } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { type Snapshot, testHooksOf } from '../release/snapshot.ts';
import { collectFormer } from './collect-former.ts';
import { isOfFormer } from './doing.ts';
import { sayFailure, saySuccess } from './events.ts';
import { heldEntries } from './inventory.ts';
import { isTestSelected } from './options.ts';
import { type Run, targetOf } from './run.ts';
import { activeRemediation, countFailure, type ReleaseAction, retryIntervalOf } from './spec.ts';
import type { ActionEnd, Collected, RunningAction } from './state.ts';
import {
  clearFailures,
  clearHistory,
  draftOf,
  latestSnapshot,
  noteRelease,
  releasedCondition,
  remediatedCondition,
  setCondition,
  summarize,
  testSuccessCondition,
} from './status.ts';

const goodReasons = {
  install: 'InstallSucceeded',
  upgrade: 'UpgradeSucceeded',
  rollback: 'RollbackSucceeded',
  uninstall: 'UninstallSucceeded',
};
const badReasons = {
  install: 'InstallFailed',
  upgrade: 'UpgradeFailed',
  rollback: 'RollbackFailed',
  uninstall: 'UninstallFailed',
};

function shown(snapshot: Snapshot | undefined): string {
  return snapshot === undefined ? '' : ` of ${releaseOf(snapshot)} with chart ${chartOf(snapshot)}`;
}

function isInHistory(run: Run, { name, namespace, version }: Release): boolean {
  const history = draftOf(run).history ?? [];
  return history.some(
    (one) => one.name === name && one.namespace === namespace && one.version === version,
  );
}

/** Notes releases whose state has changed, of those that the history has. */
function noteKnown(run: Run, releases: readonly Release[]): void {
  for (const release of releases) if (isInHistory(run, release)) noteRelease(run, release);
}

/** Marks a condition as failed and announces it, unless the error is thrown on, which announces it as well. */
async function fail(
  run: Run,
  o: { condition: string; reason: string; message: string; isThrown: boolean; about?: Snapshot },
): Promise<void> {
  const { condition, reason, message, about } = o;
  const status = draftOf(run);
  status.failures = (status.failures ?? 0) + 1;
  setCondition(run, condition, { status: 'False', reason, message });
  if (!o.isThrown) await sayFailure(run, { reason, message, about });
}

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
  action: ReleaseAction,
  { release, others, error, inventory, changes }: ActionEnd,
): Promise<Collected> {
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
  const reason = (error === undefined ? goodReasons : badReasons)[action];
  if (error !== undefined) {
    const chart = run.desired?.chart.metadata;
    const target = `${run.releaseNamespace}/${run.releaseName} with chart ${chart?.name}@${chart?.version}`;
    const message = `Helm ${action} failed for release ${target}: ${errorMessage(error)}`;
    await fail(run, { condition: releasedCondition, reason, message, isThrown: isLost });
    if (!isLost) countFailure(status, action);
    return { reason, message, ...(isLost && { error }) };
  }
  const message = `Helm ${action}${shown(snapshot)} succeeded`;
  setCondition(run, releasedCondition, { status: 'True', reason, message });
  if (snapshot !== undefined) {
    noteAwaitedTests(run, snapshot);
    await warnOfControllers(run, release);
    if (changes !== undefined) snapshot.changes = changes.summary;
    const more = changes === undefined ? '' : `\n${changes.text}`;
    await saySuccess(run, { reason, message: `${message}${more}`, about: snapshot });
  }
  const { retryByDefault } = run.deps.settings;
  if (retryIntervalOf(run.object, action, retryByDefault) !== undefined) clearFailures(run);
  return { reason, message };
}

/** Notes in the status and announces what a remediation has come to. */
export async function collectRemediation(
  run: Run,
  action: 'rollback' | 'uninstall',
  { release, others, error, inventory }: ActionEnd,
): Promise<Collected> {
  const isLost = error !== undefined && release === undefined;
  const label = action === 'rollback' ? 'rollback' : 'uninstall-remediation';
  if (release !== undefined) {
    if (action === 'rollback' || isInHistory(run, release)) noteRelease(run, release, label);
  }
  noteKnown(run, others);
  const snapshot = latestSnapshot(run);
  const reason = (error === undefined ? goodReasons : badReasons)[action];
  const condition = remediatedCondition;
  if (error !== undefined) {
    const message = `Helm ${action}${shown(snapshot)} failed: ${errorMessage(error)}`;
    await fail(run, { condition, reason, message, isThrown: isLost, about: snapshot });
    return { reason, message, ...(isLost && { error }) };
  }
  if (action === 'uninstall') delete draftOf(run).inventory;
  else if (inventory !== undefined)
    draftOf(run).inventory = { entries: heldEntries(run, inventory) };
  const message = `Helm ${action}${shown(snapshot)} succeeded`;
  setCondition(run, condition, { status: 'True', reason, message });
  if (snapshot !== undefined) await saySuccess(run, { reason, message, about: snapshot });
  return { reason, message };
}

async function collectTests(run: Run, { release, error }: ActionEnd): Promise<Collected> {
  if (release !== undefined) {
    const snapshot = noteRelease(run, release);
    snapshot.testHooks = testHooksOf(release, (name) => isTestSelected(run.object, name));
  }
  const snapshot = latestSnapshot(run);
  const isTested = snapshot !== undefined && hasBeenTested(snapshot);
  const condition = testSuccessCondition;
  if (error !== undefined) {
    const reason = 'TestFailed';
    const message = `Helm test${shown(snapshot)} failed: ${errorMessage(error)}`;
    await fail(run, { condition, reason, message, isThrown: !isTested, about: snapshot });
    const remediation = activeRemediation(run.object, draftOf(run));
    if (isTested && remediation && !remediation.ignoreTestFailures)
      countFailure(draftOf(run), remediation.action);
    return { reason, message, ...(!isTested && { error }) };
  }
  const reason = 'TestSucceeded';
  const count = Object.keys(snapshot?.testHooks ?? {}).length;
  const message = `Helm test${shown(snapshot)} succeeded: ${count} test hook${count === 1 ? '' : 's'}`;
  setCondition(run, condition, { status: 'True', reason, message });
  if (snapshot !== undefined) await saySuccess(run, { reason, message, about: snapshot });
  return { reason, message };
}

async function collectUnlock(run: Run, { release, error }: ActionEnd): Promise<Collected> {
  const reason = 'PendingRelease';
  if (release !== undefined) noteKnown(run, [release]);
  const what = `${run.releaseNamespace}/${run.releaseName}.v${run.last?.version}`;
  const was = run.last?.info.status;
  if (error !== undefined) {
    const message = `Unlocking release ${what}, which is ${was}, failed: ${errorMessage(error)}`;
    await fail(run, { condition: releasedCondition, reason, message, isThrown: true });
    return { reason, message, error };
  }
  const message = `Unlocked release ${what}: the action that left it pending was cut short`;
  setCondition(run, releasedCondition, { status: 'False', reason, message });
  const about = latestOf(draftOf(run).history ?? []);
  if (about !== undefined) await saySuccess(run, { reason, message, about });
  return { reason, message };
}

function collectByKind(run: Run, running: RunningAction, end: ActionEnd): Promise<Collected> {
  const { type } = running.doing;
  if (type === 'install' || type === 'upgrade') return collectRelease(run, type, end);
  if (isOfFormer(running.doing)) return collectFormer(run, end);
  if (type === 'rollback' || type === 'uninstall') return collectRemediation(run, type, end);
  return type === 'test' ? collectTests(run, end) : collectUnlock(run, end);
}

/** Has the HelmRelease come back when kinds are served for lack of which the action has failed. */
async function awaitKinds(run: Run, { error }: ActionEnd): Promise<void> {
  const missing = error instanceof ActionError ? error.missing : [];
  if (missing.length === 0 && run.target === undefined) return;
  const { cluster } = await targetOf(run);
  cluster.kinds.waitFor(run.ctx.key, missing);
}

/** Notes and announces what an action has not deleted because it is protected. */
async function noteKept(run: Run): Promise<void> {
  const { kept } = run.state;
  if (kept.size === 0) return;
  const message = joinLines([...kept]);
  kept.clear();
  const released = run.ctx.status.getCondition(releasedCondition);
  if (released !== undefined)
    setCondition(run, releasedCondition, {
      ...released,
      message: `${released.message}\nNot deleted:\n${message}`,
    });
  await sayFailure(run, { reason: 'PruneRefused', message });
}

/** Notes in the status and announces what an action has come to. */
export async function collect(
  run: Run,
  running: RunningAction,
  end: ActionEnd,
): Promise<Collected> {
  const tookMs = Math.max(1, Math.round(run.ctx.clock.now() - running.startedAt));
  const { type } = running.doing;
  run.desired ??= running.desired;
  if (type === 'install' || type === 'upgrade')
    draftOf(run).lastAttemptedReleaseActionDuration = formatDuration(tookMs);
  run.deps.metrics.action(type, end.error === undefined ? 'succeeded' : 'failed');
  run.deps.metrics.took(type, tookMs / 1000);
  await awaitKinds(run, end);
  const collected = await collectByKind(run, running, end);
  await noteKept(run);
  run.state.held.keepOnly(idsOf(draftOf(run).inventory?.entries ?? []));
  summarize(run);
  return collected;
}
