import { type AdmittedChange, pinOf } from '@sluice/shared/applier';
import { joinLines } from '@sluice/shared/base';
import { type InventoryEntry, inApplyOrder } from '@sluice/shared/engine';
import {
  progressingReason,
  readyCondition,
  reconcilingCondition,
  stalledCondition,
} from '@sluice/shared/runtime';
import { recordHistory } from './history.ts';
import { quietMs, type Run, shownTimeout, sourceOf } from './run.ts';

/** Condition that says whether the applied objects are healthy; absent when health is not checked. */
export const healthyCondition = 'Healthy';
export const succeededReason = 'ReconciliationSucceeded';
export const healthCheckFailedReason = 'HealthCheckFailed';

function sameEntries(a: InventoryEntry[], b: InventoryEntry[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ id, v, adopted, digest }, i) => {
      const other = b[i];
      const isMarkedAlike = adopted === other?.adopted && digest === other?.digest;
      return id === other?.id && v === other.v && isMarkedAlike;
    })
  );
}

function setInventory(run: Run, entries: InventoryEntry[]): void {
  const { status } = run.ctx.status;
  const customStageKinds = run.deps.settings.customApplyStageKinds;
  const ordered = inApplyOrder(entries, { customStageKinds });
  if (status.inventory !== undefined && sameEntries(status.inventory.entries, ordered)) return;
  status.inventory = { entries: ordered };
}

function isReadyNow(run: Run): boolean {
  const { status } = run.ctx;
  return (
    status.getCondition(readyCondition)?.status === 'True' &&
    status.getCondition(reconcilingCondition) === undefined &&
    status.getCondition(stalledCondition) === undefined
  );
}

/** Says that work is under way. */
async function showApply(run: Run): Promise<void> {
  const { revision } = sourceOf(run);
  const { status } = run.ctx;
  status.status.lastAttemptedRevision = revision;
  const message = `Applying revision ${revision} with a timeout of ${shownTimeout(run)}`;
  status.reconciling(progressingReason, message, { unready: true });
  await status.patch();
}

/** An apply that is told of, or about to be. */
export interface Announcement {
  /** Nothing more is written on its behalf once this has resolved. */
  end(): Promise<void>;
}

const silent: Announcement = { end: async () => {} };

/** Says that work is under way unless it ends soon. */
function showApplyLater(run: Run): Announcement {
  let shown = Promise.resolve();
  const timer = run.ctx.clock.setTimer(() => {
    // What could not be written is part of the next write, whose failure is told.
    shown = showApply(run).catch(() => undefined);
  }, quietMs);
  return {
    end() {
      timer.cancel();
      return shown;
    },
  };
}

/** Whether the status holds every entry already, as the API server has it. */
function isNoted(run: Run, inventory: InventoryEntry[]): boolean {
  const noted = run.ctx.status.observed.status?.inventory?.entries ?? [];
  const byId = new Map(noted.map((entry) => [entry.id, entry]));
  return inventory.every((entry) => {
    const known = byId.get(entry.id);
    return known !== undefined && sameEntries([known], [entry]);
  });
}

/** Whether the API server has the change that is let through. */
function isAdmissionNoted({ ctx }: Run): boolean {
  return ctx.status.status.change?.digest === ctx.status.observed.status?.change?.digest;
}

/** What was healthy so far can be gone back to by whoever asks for it. */
function notePreviousChange(change: AdmittedChange): void {
  const { healthy, healthyRevision, healthySnapshot } = change;
  if (healthy === undefined) return;
  change.previous = healthy;
  if (healthyRevision === undefined) delete change.previousRevision;
  else change.previousRevision = healthyRevision;
  if (healthySnapshot === undefined) delete change.previousSnapshot;
  else change.previousSnapshot = healthySnapshot;
}

/** Notes that the change which was let through last is healthy. */
export function noteHealthyChange(run: Run): void {
  const { change } = run.ctx.status.status;
  if (change === undefined) return;
  if (change.healthy !== change.digest) {
    notePreviousChange(change);
    if (change.snapshot === undefined) delete change.healthySnapshot;
    else change.healthySnapshot = change.snapshot;
  }
  change.healthy = change.digest;
  change.healthyRevision = change.revision;
}

/**
 * Writes, before the first effect, what is about to be managed and that work is under way: in one request. When nothing
 * joins what is managed, it is said only of an apply that takes longer, and never when a ready object is applied again
 * as it is.
 */
export async function announceApply(run: Run, inventory: InventoryEntry[]): Promise<Announcement> {
  const { ctx, object } = run;
  const noted = isNoted(run, inventory) && isAdmissionNoted(run);
  setInventory(run, inventory);
  if (!noted) {
    await showApply(run);
    return silent;
  }
  const isNews =
    ctx.status.status.lastAppliedRevision !== sourceOf(run).revision ||
    ctx.status.status.observedGeneration !== object.metadata.generation;
  return isNews || !isReadyNow(run) ? showApplyLater(run) : silent;
}

/** Notes what is managed from now on; written with the next status. */
export function noteInventory(run: Run, inventory: InventoryEntry[]): void {
  setInventory(run, inventory);
}

/** Notes the revision that is tried; written with the next status. */
export function noteAttempt(run: Run): void {
  run.ctx.status.status.lastAttemptedRevision = sourceOf(run).revision;
}

/** Notes an outcome in the history; written with the next status. */
export function noteHistory(run: Run, digest: string, reason: string): void {
  const { revision, originRevision } = sourceOf(run);
  const { status } = run.ctx.status;
  const nowMs = run.ctx.clock.now();
  status.history = recordHistory(status.history, {
    digest,
    status: reason,
    revision,
    originRevision,
    nowMs,
    durationMs: nowMs - (run.state.applied?.startedAt ?? run.startedAt),
  });
}

/** Says that health is being waited for; written when the reconcile ends. */
export function showHealthWait(run: Run, pending: string): void {
  const { revision } = sourceOf(run);
  const what = `Running health checks for revision ${revision} with a timeout of ${shownTimeout(run)}`;
  const message = run.masker.mask(`${what}, waiting for: ${pending}`);
  run.ctx.status.reconciling(progressingReason, message, { unready: true });
  run.ctx.status.setCondition({
    type: healthyCondition,
    status: 'Unknown',
    reason: progressingReason,
    message,
  });
}

/** Notes how the health checks ended; undefined when there are none. */
export function noteHealth(run: Run, result?: { healthy: boolean; message: string }): void {
  const { status } = run.ctx;
  if (result === undefined) {
    status.removeCondition(healthyCondition);
    return;
  }
  status.setCondition({
    type: healthyCondition,
    status: result.healthy ? 'True' : 'False',
    reason: result.healthy ? 'Succeeded' : healthCheckFailedReason,
    message: result.message,
  });
}

/** Whether the health checks have passed when they last ended. */
export function wasHealthy(run: Run): boolean {
  return (
    run.ctx.status.observed.status?.conditions?.find((c) => c.type === healthyCondition)?.status ===
    'True'
  );
}

/** Returns what the message of a ready Kustomization adds about objects that left the source and are not deleted. */
export function keptSuffix(kept: readonly string[]): string {
  return kept.length === 0 ? '' : `\nNot pruned:\n${joinLines(kept)}`;
}

/** Until another one is applied and healthy, this artifact is what a rollback needs. */
function notePin(run: Run): void {
  const { object, deps, ctx } = run;
  const { status } = ctx.status;
  if (!deps.settings.pinsArtifacts) {
    delete status.pinnedArtifacts;
    return;
  }
  const { kind, name, namespace = object.metadata.namespace ?? '' } = object.spec.sourceRef;
  status.pinnedArtifacts = [pinOf({ kind, name, namespace }, sourceOf(run).artifact)];
}

/** Notes that the revision is applied and healthy. */
export function noteReady(run: Run): void {
  const { revision, originRevision } = sourceOf(run);
  const { status } = run.ctx;
  status.status.lastAttemptedRevision = revision;
  status.status.lastAppliedRevision = revision;
  if (originRevision === undefined) delete status.status.lastAppliedOriginRevision;
  else status.status.lastAppliedOriginRevision = originRevision;
  notePin(run);
  noteHealthyChange(run);
  const kept = keptSuffix(run.state.applied?.kept ?? []);
  status.ready(succeededReason, `Applied revision: ${revision}${kept}`);
}
