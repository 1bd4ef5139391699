import type { HelmRelease } from '@sluice/shared/api';
import { dependantsRemainReason } from '@sluice/shared/applier';
import { joinLines, RetryableError } from '@sluice/shared/base';
import { done, type Outcome, type ReconcileContext } from '@sluice/shared/runtime';
import { isReleaseName } from '../release/name.ts';
import { isPending } from '../release/release.ts';
import { fieldManager } from '../release/storage.ts';
import { collect } from './collect.ts';
import { sayFailure } from './events.ts';
import { deleteHelmChart } from './helm-chart.ts';
import { type HelmReleaseDeps, type Run, startRun, storageOf } from './run.ts';
import { follow } from './running-action.ts';
import type { RunningAction } from './state.ts';
import { draftOf, latestSnapshot, noteRelease } from './status.ts';
import { startUninstallFormer } from './uninstall-former.ts';
import { verbOf } from './verbs/verbs.ts';

function isOfFormer({ action }: RunningAction): boolean {
  return verbOf(action).role(action) === 'former';
}

/** Ends an action of another kind: what it has begun is uninstalled with the rest. */
async function abortOther(run: Run): Promise<void> {
  const { running } = run.state;
  if (running === undefined || isOfFormer(running)) return;
  running.task.abort(new Error('the HelmRelease is being deleted'));
  await running.task.settled;
  run.state.running = undefined;
}

/**
 * Notes a first release of an action that did not live to note it, so that it is uninstalled as well. Where another
 * HelmRelease makes a release of that name, it may be the other's.
 */
async function noteBegunRelease(run: Run): Promise<void> {
  const { releaseName: name, deps } = run;
  const { storageNamespace, lastAttemptedReleaseAction } = draftOf(run);
  if (latestSnapshot(run) !== undefined || !isReleaseName(name)) return;
  if (deps.helmReleases.byIndex('release', `${storageNamespace}/${name}`).length > 1) return;
  const storage = await storageOf(run, storageNamespace);
  const [newest] = await storage.revisions(name);
  if (newest?.writer.manager !== fieldManager) return;
  const release = await storage.read(newest);
  if (release === undefined) return;
  // A release that was there before would have been upgraded.
  const isOurs = isPending(release) || lastAttemptedReleaseAction === 'install';
  if (isOurs) noteRelease(run, release, 'install');
}

/** Waits for dependants that are deleted, too; goes on without those that take too long. */
async function awaitDependants(run: Run): Promise<void> {
  const { ctx, deps, object } = run;
  const left = await deps.dependencies.checkDependants(object, ctx.signal);
  if (left.length === 0) return;
  const message = `uninstalled before what depends on it, which took too long: ${joinLines(left)}`;
  await sayFailure(run, { reason: dependantsRemainReason, message });
}

/** Uninstalls the release; returns the outcome when that has to be waited for. */
async function uninstallRelease(run: Run): Promise<Outcome | undefined> {
  const { state, deps, object } = run;
  await abortOther(run);
  if (state.running === undefined) await awaitDependants(run);
  const missing = await deps.clusters.missingIdentity(object);
  if (missing !== undefined) {
    const message = `unable to uninstall the release, because ${missing}; its objects stay`;
    await sayFailure(run, { reason: 'UninstallFailed', message });
    return undefined;
  }
  if (state.running === undefined) await noteBegunRelease(run);
  const running = state.running ?? startUninstallFormer(run, 'deletion');
  if (running === undefined) return undefined;
  const outcome = await follow(run, running);
  if (outcome !== undefined) return outcome;
  state.running = undefined;
  const { ending } = running.task;
  if (ending?.type === 'failed') throw ending.error;
  if (ending === undefined) throw new Error('the action goes on');
  const { error, reason, message } = await collect(run, running, ending.value);
  if (error !== undefined) throw new RetryableError(reason, message, { cause: error });
  return undefined;
}

/**
 * Uninstalls the release and deletes the HelmChart before the HelmRelease goes. When the identity to act as is gone, that
 * is announced and the HelmRelease goes all the same; a suspended one leaves everything behind.
 *
 * @throws RetryableError UninstallFailed, WaitingError DependantsRemain
 */
export async function finalizeHelmRelease(
  ctx: ReconcileContext<HelmRelease>,
  deps: HelmReleaseDeps,
): Promise<Outcome> {
  if (!ctx.object.spec.suspend) {
    const run = startRun(ctx, deps);
    if (draftOf(run).storageNamespace) {
      const outcome = await uninstallRelease(run);
      if (outcome !== undefined) return outcome;
    }
    await deleteHelmChart(run);
  }
  deps.states.forget(ctx.key);
  deps.clusters.forget(ctx.key);
  return done();
}
