import {
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
import { deletionsOf } from './propose-change.ts';
import { applyChange, leftOutNote, type Recalled, recallChange } from './recall-applied.ts';
import type { Run } from './run.ts';

/** What is gone back to, once nothing speaks against it. */
type Answer =
  | { to: FormerChange; found: Extract<Recalled, { type: 'build' }>; target: Target }
  | { why: string };

/** Looks for what speaks against a request. */
async function answerTo(run: Run, request: RollbackRequest): Promise<Answer> {
  const { object, deps, signal } = run;
  const { status } = run.ctx.status;
  const wrong = whyNoRequest(object, request, status.change?.digest);
  const back = formerChange({ spec: object.spec, status });
  if (wrong !== undefined || back.type === 'none')
    return { why: wrong ?? (back as { why: string }).why };
  const { to } = back;
  const found = await recallChange(run, { ...to, contentDigest: to.snapshot });
  if (found.type === 'none') return found;
  const target = await deps.clusters.targetOf(object, signal);
  const tooMuch = await deps.changes.whyGuarded(object, {
    managed: status.inventory?.entries.length ?? 0,
    deletions: async () => (await deletionsOf(run, target, found.build)).length,
  });
  return tooMuch === undefined ? { to, found, target } : { why: tooMuch };
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
  const { change } = status;
  if ('why' in answer || change === undefined) {
    const { why } = answer as { why: string };
    return refuseRollback(holdingOf(run), request, why);
  }
  const { to, found, target } = answer;
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
