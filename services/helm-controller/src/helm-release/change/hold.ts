import {
  type HeldChange,
  type Holding,
  heldReason,
  noteHeld,
  specDuration,
} from '@sluice/shared/applier';
import { type Outcome, readyCondition } from '@sluice/shared/runtime';
import type { Release } from '../../release/release.ts';
import { compareRelease } from '../drift.ts';
import { desiredMetadata } from '../events.ts';
import { finishInSync } from '../finish.ts';
import { desiredOf, type Run, storageOf } from '../run.ts';
import { latestSnapshot, releasedCondition, remediatedCondition } from '../status.ts';
import type { ReleaseStep } from './propose-release.ts';

/** Returns what tells of a change that waits. */
export function holdingOf(run: Run): Holding {
  const { ctx, deps, masker } = run;
  return {
    ctx,
    audit: deps.audit,
    storedPlans: deps.changes.storedPlans,
    controllerName: 'helm-controller',
    masker,
    revision: desiredOf(run).chart.metadata.version,
    appliedAt: latestSnapshot(run)?.lastDeployed,
    metadata: desiredMetadata(run),
    signal: ctx.signal,
  };
}

/** Returns the release that stays while a change waits; undefined when none is good, or it is somebody else's. */
async function stayingRelease(run: Run, { former }: ReleaseStep): Promise<Release | undefined> {
  if (former === undefined) return run.found?.type === 'out-of-sync' ? run.last : undefined;
  const last = await (await storageOf(run, former.storageNamespace)).last(former.name);
  return last?.info.status === 'deployed' ? last : undefined;
}

/**
 * Corrects drift towards the release that stays while a change waits, unless a Window holds that, too; once in a
 * reconcile.
 *
 * @returns when to look again in milliseconds; undefined when the interval will do
 */
export async function healHeld(run: Run, step: ReleaseStep): Promise<number | undefined> {
  const window = run.deps.changes.windowOf(run.object);
  if (!window.open && window.holdsDrift) return undefined;
  run.healed ??= stayingRelease(run, step).then(
    (release) => release && compareRelease(run, release),
  );
  return run.healed;
}

/** Reasons of Ready that are about a change which waited, and not about the release. */
const alarming: ReadonlySet<string> = new Set(['PruneGuard', 'RolledBack']);

/** Returns what is known of the release that is there: after somebody has asked for a rollback, of that. */
function releasedOf({ ctx: { status: draft } }: Run) {
  const undone = draft.getCondition(remediatedCondition);
  const isBack = draft.status.change?.refused !== undefined && undone?.status === 'True';
  return isBack ? undone : draft.getCondition(releasedCondition);
}

/** Ready goes on to speak of the release that is there; where there is none, or somebody should look, it says why. */
function noteReady(run: Run, { reason, message: said }: HeldChange): void {
  const { status: draft } = run.ctx;
  const message = run.masker.mask(said);
  const ready = draft.getCondition(readyCondition);
  const isDecided = ready?.status === 'True' || ready?.status === 'False';
  const released = releasedOf(run);
  const isUndone = reason === 'RolledBack' && run.found?.type !== 'failed';
  const isAlarming = reason === 'PruneGuard' || isUndone;
  if (isAlarming || latestSnapshot(run) === undefined || released === undefined) {
    const why = isAlarming ? reason : heldReason;
    draft.setCondition({ type: readyCondition, status: 'False', reason: why, message });
  } else if (!isDecided || alarming.has(ready.reason)) {
    const { status, reason: known, message: told } = released;
    draft.setCondition({ type: readyCondition, status, reason: known, message: told });
  }
}

/** Returns the earliest of some times in milliseconds that comes before the interval. */
function soonest({ object }: Run, times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((ms) => ms !== undefined);
  const first = Math.min(...known);
  return first < specDuration(object.spec.interval, 'spec.interval') ? first : undefined;
}

/**
 * Ends a reconcile whose change waits: nothing of it was done, and what is there stays.
 *
 * @throws ApiError, ConnectionError when the Plan cannot be stored
 */
export async function hold(run: Run, step: ReleaseStep, held: HeldChange): Promise<Outcome> {
  run.withdrawAttempt?.();
  const lookAgainMs = await healHeld(run, step);
  await noteHeld(holdingOf(run), held);
  noteReady(run, held);
  await run.deps.changes.removeOutdated(run.object, held.plan?.digest);
  const now = run.ctx.clock.now();
  const untilMs = held.untilMs === undefined ? undefined : Math.max(0, held.untilMs - now);
  return finishInSync(run, soonest(run, [lookAgainMs, untilMs]));
}
