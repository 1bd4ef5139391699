import type { HelmRelease } from '@sluice/shared/api';
import { forgetHeld } from '@sluice/shared/applier';
import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { checkHealthRules, ObjectError } from '@sluice/shared/engine';
import { ApiError, ConnectionError, isForbidden } from '@sluice/shared/kube';
import {
  type Outcome,
  progressingReason,
  type ReconcileContext,
  waiting,
} from '@sluice/shared/runtime';
import { ActionError } from '../action/context.ts';
import { releaseNameOf } from '../release/name.ts';
import type { Action, Collected } from './action.ts';
import { announceAction } from './announce.ts';
import { endsFirst, noteHealthy, passGate, refuseLastHealthy } from './change/gate.ts';
import { holdingOf } from './change/hold.ts';
import { answerRollback, decideOnRefused } from './change/roll-back.ts';
import { collect } from './collect.ts';
import { type Decision, decide } from './decide.ts';
import { composeDesired, fingerprintOf, hasOtherValues } from './desired.ts';
import { compareRelease, healReleaseDrift } from './drift.ts';
import { describeError, sayFailure } from './events.ts';
import {
  activeRetryInterval,
  finishFailed,
  finishInSync,
  finishStalled,
  noteInSync,
} from './finish.ts';
import { reconcileHelmChart } from './helm-chart.ts';
import { noteMissingInventory } from './inventory.ts';
import { observeRelease } from './observe.ts';
import { handleRequests, isAsked } from './requests.ts';
import { chartReferenceOf, resolveSource } from './resolve-source.ts';
import { type HelmReleaseDeps, type Run, startRun } from './run.ts';
import { follow, startAction } from './running-action.ts';
import type { RunningAction } from './state.ts';
import { clearHistory, draftOf, noteAttempt, rememberObserved } from './status.ts';
import { formerTarget, startUninstallFormer, whyOtherTarget } from './uninstall-former.ts';
import { verbOf } from './verbs/verbs.ts';

/** Whether nothing has changed since the release was found to be as desired. */
function isUnchanged(run: Run, fingerprint: string): boolean {
  const { state, deps, object } = run;
  const { inSync } = state;
  if (inSync?.fingerprint !== fingerprint || state.configChanged || isAsked(run)) return false;
  if (object.spec.valuesFrom?.length || object.spec.kubeConfig !== undefined) return false;
  const key = { namespace: run.storageNamespace, name: run.releaseName };
  return deps.releaseWatch.newest(key)?.resourceVersion === inSync.revision;
}

/** Ends an attempt whose last action left nothing that could be remediated. */
async function giveUp(run: Run, { error, reason, message }: Collected): Promise<Outcome> {
  if (error instanceof ReconcileError && error.kind === 'stalled') throw error;
  // What the tenant may not do is a failure of the action, the API server's troubles are not.
  const isRefused = isForbidden(error);
  if (!isRefused && (error instanceof ApiError || error instanceof ConnectionError)) throw error;
  if (activeRetryInterval(run) === undefined)
    throw new RetryableError(reason, message, { cause: error });
  await sayFailure(run, { reason, message });
  return finishFailed(run, { isRemediated: false });
}

/**
 * Takes note of an action that has ended.
 *
 * @param isCurrent whether it was started for what is desired now
 * @returns the outcome when the attempt ends with it
 */
async function settle(
  run: Run,
  running: RunningAction,
  isCurrent: boolean,
): Promise<Outcome | undefined> {
  const { state } = run;
  const { ending } = running.task;
  if (ending === undefined) throw new Error('the action goes on');
  state.running = undefined;
  if (!isCurrent) state.carriedOut.clear();
  // An aborted action has left the release pending, which is dealt with like that of a killed process.
  if (ending.type === 'failed') {
    if (!running.task.isAborted) throw ending.error;
    return undefined;
  }
  run.hasActed = true;
  const restore = rememberObserved(run);
  const collected = await collect(run, running, ending.value);
  if (!isCurrent || draftOf(run).held !== undefined) restore();
  // Its result says nothing about what is desired now, which is yet to be tried.
  if (!isCurrent) return undefined;
  if (collected.error !== undefined) return giveUp(run, collected);
  const role = verbOf(running.action).role(running.action);
  if (role === 'remediate') return finishFailed(run, { isRemediated: true });
  if (role !== 'former') state.carriedOut.add(role);
  return undefined;
}

/** Uninstalls the release that was made last when the spec or the chart lead to another one now. */
async function uninstallFormerTarget(run: Run, fingerprint: string): Promise<Outcome | undefined> {
  const why = whyOtherTarget(run);
  const former = why === undefined ? undefined : formerTarget(run);
  if (former === undefined) return undefined;
  const held = await passGate(run, { action: 'install', former });
  if (held !== undefined) return held;
  run.ctx.logger.info({ why }, 'Uninstalling the release of the former target');
  const running = startUninstallFormer(run, fingerprint);
  return running && ((await follow(run, running)) ?? settle(run, running, true));
}

/** Looks at the release, and decides what to do; nothing is done that follows only from what is remembered. */
async function observeAndDecide(run: Run, o = { anew: isAsked(run) }): Promise<Decision> {
  const found = await observeRelease(run, o);
  run.found = found;
  if (found.type === 'unmanaged') clearHistory(run);
  const decision = await decide(run, found);
  if (run.isRemembered && decision.type !== 'nothing') return observeAndDecide(run, { anew: true });
  return decision;
}

/** Whether the attempt under way has done the like already. */
function isCarriedOut({ state }: Run, action: Action): boolean {
  return state.carriedOut.has(verbOf(action).role(action));
}

/** What was let through before and has failed is undone, although something newer waits. */
async function remedyWhileHeld(run: Run): Promise<Action | undefined> {
  if (run.found?.type !== 'failed') return undefined;
  const decision = await decide(run, run.found);
  return decision.type === 'rollback' || decision.type === 'uninstall' ? decision : undefined;
}

/** Lets an action pass that releases nothing new; a new release may have to wait. */
async function admitAction(run: Run, action: Action): Promise<{ action: Action } | Outcome> {
  const { type } = action;
  if (type !== 'install' && type !== 'upgrade') return { action };
  const held = await passGate(run, { action: type });
  if (held === undefined) return { action };
  const remedy = await remedyWhileHeld(run);
  return remedy === undefined ? held : { action: remedy };
}

/** Carries out one action after another until the release is as desired, or one has to be waited for. */
async function pursue(run: Run, fingerprint: string): Promise<Outcome> {
  const { state } = run;
  for (;;) {
    // An action that was aborted with the reconcile would be started again, without end.
    run.ctx.signal.throwIfAborted();
    const seen = await observeAndDecide(run);
    await answerRollback(run);
    const decision = decideOnRefused(run, seen);
    if (decision.type === 'stall' || decision.type === 'nothing') await forgetHeld(holdingOf(run));
    if (decision.type === 'stall') return finishStalled(run, decision);
    if (decision.type === 'wait') {
      run.ctx.status.reconciling(progressingReason, decision.message, { unready: true });
      return waiting(decision.untilMs);
    }
    if (decision.type === 'nothing') {
      const { release, revision } = decision;
      await noteMissingInventory(run, release);
      noteInSync(run);
      noteHealthy(run);
      state.inSync = { fingerprint, revision: revision.resourceVersion };
      return finishInSync(run, await compareRelease(run, release));
    }
    if (isCarriedOut(run, decision)) return finishFailed(run, { isRemediated: false });
    const admitted = await admitAction(run, decision);
    if (!('action' in admitted)) return admitted;
    const { action } = admitted;
    if (isCarriedOut(run, action)) return finishFailed(run, { isRemediated: false });
    const role = verbOf(action).role(action);
    await announceAction(run, action);
    const running = startAction(run, action, fingerprint);
    if (role === 'release') run.forced = false;
    const outcome = (await follow(run, running)) ?? (await settle(run, running, true));
    if (outcome !== undefined) return outcome;
  }
}

/** Deals with an action that an earlier reconcile has started; returns the outcome when it still goes on. */
async function resume(run: Run, fingerprint: string): Promise<Outcome | undefined> {
  const { state } = run;
  const { running } = state;
  if (running === undefined) return undefined;
  const isSame = running.fingerprint === fingerprint && !state.configChanged;
  // Who asks for the same once more gets what is under way; values may have changed without being watched.
  const isCurrent = isSame && !(isAsked(run) && (await hasOtherValues(run, running)));
  if (running.task.ending === undefined) {
    if (isCurrent || endsFirst(run, running)) {
      const outcome = await follow(run, running);
      if (outcome !== undefined) return outcome;
    } else {
      running.task.abort(new Error('something newer is to be released'));
      await running.task.settled;
    }
  }
  return settle(run, running, isCurrent);
}

async function runRecipe(run: Run): Promise<Outcome> {
  const { object, state, deps } = run;
  checkHealthRules({ field: 'spec.healthCheckExprs', exprs: object.spec.healthCheckExprs });
  refuseLastHealthy(run);
  await reconcileHelmChart(run);
  const artifact = await resolveSource(run, chartReferenceOf(object));
  run.artifact = artifact;
  run.ctx.span.set({ 'sluice.revision': artifact.revision });
  const fingerprint = fingerprintOf(run, artifact);
  if (state.running === undefined && isUnchanged(run, fingerprint)) {
    deps.metrics.unchanged();
    return finishInSync(run, await healReleaseDrift(run));
  }
  const outcome = await resume(run, fingerprint);
  if (outcome !== undefined) return outcome;
  state.inSync = undefined;
  state.configChanged = false;
  state.configTrace = undefined;
  await deps.dependencies.check(object, { signal: run.ctx.signal });
  run.desired = await composeDesired(run, artifact);
  const { desired } = run;
  try {
    const left = await uninstallFormerTarget(run, fingerprint);
    if (left !== undefined) return left;
    noteAttempt(run);
    handleRequests(run);
    return await pursue(run, fingerprint);
  } finally {
    desired.release();
  }
}

/** Turns what may go wrong on the way into errors that say what to do. */
function translate(run: Run, error: unknown): unknown {
  if (error instanceof ReconcileError) return describeError(run, error);
  if (run.ctx.signal.aborted) return error;
  if (error instanceof ObjectError || error instanceof ActionError)
    return describeError(run, new RetryableError('ReconciliationFailed', errorMessage(error)));
  return error;
}

/**
 * Makes the release in the cluster what the HelmRelease says: resolve the source, check the dependencies, put values
 * and chart together, compare with the stored release, and carry out the actions that are needed. Actions mostly wait,
 * and hold no slot while they do: their end brings the key back.
 *
 * @throws ReconcileError with the reason of the Ready condition
 */
export async function reconcileHelmRelease(
  ctx: ReconcileContext<HelmRelease>,
  deps: HelmReleaseDeps,
): Promise<Outcome> {
  // Refused before anything is looked for under that name.
  releaseNameOf(ctx.object);
  const run = startRun(ctx, deps);
  try {
    const outcome = await runRecipe(run);
    if (run.state.running === undefined) run.state.carriedOut.clear();
    return outcome;
  } catch (error) {
    if (run.state.running === undefined) run.state.carriedOut.clear();
    // What is thrown makes Ready False; only a whole reconcile makes it True again.
    run.state.inSync = undefined;
    throw translate(run, error);
  }
}
