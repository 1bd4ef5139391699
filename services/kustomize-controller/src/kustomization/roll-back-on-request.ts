import {
  type AdmittedChange,
  acceptRollback,
  type FormerChange,
  formerChange,
  goneBack,
  heldByRollback,
  type RollbackRequest,
  refuseRollback,
  rollbackRequestOf,
  whyNoRequest,
} from '@sluice/shared/applier';
import type { Target } from '@sluice/shared/engine';
import { holdingOf } from './gate.ts';
import { forgetSnapshots } from './keep-snapshots.ts';
import { scopeObjects } from './label.ts';
import { objectsToApply } from './objects-to-apply.ts';
import { deletionsOf } from './propose-change.ts';
import { applyChange, leftOutNote, type Recalled, recallChange } from './recall-applied.ts';
import type { Build, Run } from './run.ts';

/** What is gone back to, once nothing speaks against it. */
type Answer =
  | {
      change: AdmittedChange;
      to: FormerChange;
      found: Extract<Recalled, { type: 'build' }>;
      target: Target;
    }
  | { why: string };

/** Returns why going back to what a Snapshot holds deletes more than the guard allows. */
async function whyGuarded(run: Run, target: Target, build: Build): Promise<string | undefined> {
  const { object, deps, ctx } = run;
  return deps.changes.whyGuarded(object, {
    managed: ctx.status.status.inventory?.entries.length ?? 0,
    deletions: async () => {
      const objects = await objectsToApply(run, target, build);
      // What a Snapshot does not hold, such as Secrets, stays.
      const leftOut = await scopeObjects(build.leftOut ?? [], target.client);
      return (await deletionsOf(run, target, [...objects, ...leftOut])).length;
    },
  });
}

/** Looks for what speaks against a request. */
async function answerTo(run: Run, request: RollbackRequest): Promise<Answer> {
  const { object, deps, signal } = run;
  const { status } = run.ctx.status;
  const { change } = status;
  const wrong = whyNoRequest(object, request, change?.digest);
  const back = formerChange({ spec: object.spec, status });
  if (wrong !== undefined) return { why: wrong };
  if (change === undefined) return { why: 'nothing was let through yet' };
  if (back.type === 'none') return back;
  const { to } = back;
  const found = await recallChange(run, { ...to, contentDigest: to.snapshot });
  if (found.type === 'none') return found;
  const target = await deps.clusters.targetOf(object, signal);
  const tooMuch = await whyGuarded(run, target, found.build);
  return tooMuch === undefined ? { change, to, found, target } : { why: tooMuch };
}

/**
 * Applies the last healthy change before the present one again when annotations of the object ask for it, once; the
 * present one is refused from then on. That is in the status before the first write, so that whatever interrupts it is no
 * reason to begin anew. A request that cannot be met is refused, which is told, and the object is reconciled as ever.
 *
 * @throws RetryableError ReconciliationFailed, PruneFailed; ApiError, ConnectionError when the Snapshot cannot be read now
 */
export async function rollBackOnRequest(run: Run): Promise<void> {
  const { ctx, state } = run;
  const { status } = ctx.status;
  const request = rollbackRequestOf({ ...run.object, status });
  if (request === undefined) return;
  const answer = await answerTo(run, request);
  if ('why' in answer) return refuseRollback(holdingOf(run), request, answer.why);
  const { change, to, found, target } = answer;
  const next = goneBack(change, to, request);
  const { message } = heldByRollback(next, change.revision);
  await acceptRollback(holdingOf(run), request, {
    message: `${message}${leftOutNote(found.build)}`,
    before: change.digest,
    after: to.digest,
  });
  status.change = next;
  await forgetSnapshots(run);
  state.phase = 'unknown';
  state.wait = undefined;
  state.isHeld = true;
  await applyChange(run, target, found);
  status.lastAppliedRevision = to.revision;
}
