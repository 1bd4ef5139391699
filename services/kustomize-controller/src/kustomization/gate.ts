import {
  forgetHeld,
  type HeldChange,
  type Holding,
  heldReason,
  isApproval,
  noteAdmission,
  noteHeld,
  tellAdmission,
} from '@sluice/shared/applier';
import { applyObjects, type Target } from '@sluice/shared/engine';
import { done, failed, isReady, type Outcome, readyCondition } from '@sluice/shared/runtime';
import { applyOptionsOf } from './apply.ts';
import { lastSuccess } from './audit.ts';
import { checkHealth } from './check-health.ts';
import { healDrift } from './drift.ts';
import { eventMetadata, sayWarning } from './events.ts';
import { keepHealthy } from './keep-snapshots.ts';
import { objectsToApply } from './objects-to-apply.ts';
import { proposeChange } from './propose-change.ts';
import { asOfApplied, recallApplied } from './recall-applied.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import { healthyCondition, noteHealth, noteHealthyChange, succeededReason } from './status.ts';

/** Returns what tells of a change that waits, or was rolled back. */
export function holdingOf(run: Run): Holding {
  const { ctx, deps, masker, signal } = run;
  return {
    ctx,
    audit: deps.audit,
    storedPlans: deps.changes.storedPlans,
    controllerName: 'kustomize-controller',
    masker,
    revision: sourceOf(run).revision,
    appliedAt: lastSuccess(run)?.lastReconciled,
    metadata: eventMetadata(run),
    signal,
  };
}

/** Decisions about plans that are part of the source are applied at once. */
async function applyApprovals(run: Run, target: Target, build: Build): Promise<void> {
  if (!build.objects.some(isApproval)) return;
  const objects = (await objectsToApply(run, target, build)).filter(isApproval);
  const { failures } = await applyObjects(objects, applyOptionsOf(run, target));
  for (const { error } of failures) await sayWarning(run, 'ApprovalRefused', error.message);
}

/**
 * Asks whether a build may be applied, and notes the answer: what is let through is in the status before the first write.
 *
 * @returns the change when it has to wait
 * @throws ObjectError, ApiError, ConnectionError when the build has to be compared with the cluster and cannot be
 */
export async function holdUnlessAdmitted(
  run: Run,
  target: Target,
  build: Build,
): Promise<HeldChange | undefined> {
  const { state, object, deps } = run;
  // It may have been gone back in this very reconcile.
  const present = { ...object, status: run.ctx.status.status };
  const admission = await deps.changes.judge(present, proposeChange(run, target, build), {
    isDrift: run.ctx.priority === 'drift',
  });
  state.isHeld = admission.type === 'held';
  if (admission.type === 'held') {
    await applyApprovals(run, target, build);
    return admission;
  }
  const holding = holdingOf(run);
  await noteAdmission(holding, admission);
  if (admission.type === 'free') return undefined;
  const { plan, revision } = admission.change;
  await tellAdmission(holding, admission, `Applying plan ${plan} of revision ${revision}`);
  return undefined;
}

/** Nothing waits when the build is the one that is applied. */
export async function noteNothingHeld(run: Run): Promise<void> {
  run.state.isHeld = false;
  await forgetHeld(holdingOf(run));
}

/**
 * Returns what is said of a change that was rolled back: both revisions, and why it was not healthy.
 *
 * @param held.message names the revisions
 */
export function rollbackMessage(run: Run, { message }: Pick<HeldChange, 'message'>): string {
  const health = run.ctx.status.getCondition(healthyCondition);
  const why = health?.status === 'False' ? `\n${health.message}` : '';
  return run.masker.mask(`${message}${why}`);
}

/** A change that waits is no failure of what is applied, unless somebody should look. */
function noteReadiness(run: Run, held: HeldChange): boolean {
  const { reason } = held;
  const { status } = run.ctx;
  const { lastAppliedRevision, change } = status.status;
  const isFirst = lastAppliedRevision === undefined && change === undefined;
  const isAlarming = reason === 'PruneGuard' || reason === 'RolledBack';
  if (!isFirst && !isAlarming) return true;
  const text = reason === 'RolledBack' ? rollbackMessage(run, held) : held.message;
  status.setCondition({
    type: readyCondition,
    status: 'False',
    reason: isAlarming ? reason : heldReason,
    message: run.masker.mask(text),
  });
  return false;
}

/** Whether what is applied is yet to become healthy, and is rolled back if it does not. */
function isOnTrial({ object, ctx }: Run): boolean {
  const { change } = ctx.status.status;
  return object.spec.changePolicy?.rollback === 'LastHealthy' && change?.digest !== change?.healthy;
}

/** Whether another revision has come to be applied in this very reconcile. */
function isGoneBack({ object, ctx }: Run): boolean {
  return object.status?.lastAppliedRevision !== ctx.status.status.lastAppliedRevision;
}

/** Looks after what is applied while a change waits: its drift, and its health if that was not well. */
async function keepApplied(
  run: Run,
  target: Target,
  held: HeldChange,
): Promise<number | undefined> {
  const { state, ctx } = run;
  const lookAgainAt = held.holdsDrift ? undefined : await healDrift(run, target);
  const isQuiet = noteReadiness(run, held);
  const isTold = isReady(run.object) && !isGoneBack(run);
  const isOfInterest = !isTold && (isQuiet || isOnTrial(run));
  if (!isOfInterest || state.applied === undefined) return lookAgainAt;
  const verdict = await checkHealth(asOfApplied(run), target);
  // A wait is no news where somebody should look.
  if (!isQuiet) noteReadiness(run, held);
  if (verdict.type === 'waiting') return Math.min(verdict.untilMs, lookAgainAt ?? verdict.untilMs);
  if (verdict.type === 'healthy')
    noteHealth(run, { healthy: true, message: 'Health check passed' });
  noteHealthyChange(run);
  await keepHealthy(run, target);
  state.phase = 'ready';
  const { status } = ctx.status;
  status.lastAppliedRevision = status.change?.revision ?? status.lastAppliedRevision;
  if (isQuiet) ctx.status.ready(succeededReason, `Applied revision: ${status.lastAppliedRevision}`);
  return lookAgainAt;
}

/**
 * Ends a reconcile whose change waits. Nothing of it is applied; what is applied is looked after.
 *
 * @throws what {@link checkHealth} and {@link healDrift} throw
 */
export async function stayHeld(run: Run, target: Target, held: HeldChange): Promise<Outcome> {
  const { ctx, deps, object } = run;
  const note = await recallApplied(run, target, held);
  const noted = { ...held, message: `${held.message}${note}` };
  await noteHeld(holdingOf(run), noted);
  await deps.changes.removeOutdated(object, held.plan?.digest);
  const lookAgainAt = await keepApplied(run, target, noted);
  const times = [lookAgainAt, held.untilMs].filter((time) => time !== undefined);
  const ms = times.length === 0 ? undefined : Math.max(0, Math.min(...times) - ctx.clock.now());
  const isFailed = ctx.status.getCondition(readyCondition)?.status === 'False';
  return isFailed ? failed(ms) : done(ms);
}
