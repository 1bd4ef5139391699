import { goneBack, type HeldChange, heldByRollback } from '@sluice/shared/applier';
import { ReconcileError, RetryableError } from '@sluice/shared/base';
import type { Target } from '@sluice/shared/engine';
import type { Outcome } from '@sluice/shared/runtime';
import { eventMetadata } from './events.ts';
import { rollbackMessage, stayHeld } from './gate.ts';
import { forgetSnapshots } from './keep-snapshots.ts';
import { asOfApplied, leftOutNote, recallChange } from './recall-applied.ts';
import { type Run, sourceOf } from './run.ts';
import { healthCheckFailedReason } from './status.ts';

/** Whether an error says that a change did not become healthy which is to be rolled back then. */
export function isRollbackCause(run: Run, error: unknown): error is ReconcileError {
  if (!(error instanceof ReconcileError) || error.reason !== healthCheckFailedReason) return false;
  const { change } = run.ctx.status.status;
  if (run.object.spec.changePolicy?.rollback !== 'LastHealthy' || change === undefined)
    return false;
  // What was healthy once has nothing that it could be rolled back to.
  return change.digest !== change.healthy;
}

function impossible({ reason, message, retryAfterMs, metadata }: ReconcileError, why: string) {
  const text = `${message}\nIt cannot be rolled back: ${why}`;
  return new RetryableError(reason, text, { retryAfterMs, metadata });
}

/**
 * Applies the last healthy change again in place of one that did not become healthy, which is refused from then on. That
 * is in the status before the first write, so that whatever interrupts it is no reason to begin anew.
 *
 * @param error how the health checks failed
 * @throws RetryableError HealthCheckFailed that says why it cannot be rolled back; what {@link stayHeld} throws
 */
export async function rollBack(run: Run, target: Target, error: ReconcileError): Promise<Outcome> {
  const { ctx, state } = run;
  const { change } = ctx.status.status;
  if (change?.healthy === undefined) throw impossible(error, 'no change has been healthy before');
  const { healthy: digest, healthyRevision: revision = '', healthySnapshot: snapshot } = change;
  const found = await recallChange(run, { digest, revision, contentDigest: snapshot });
  if (found.type === 'none') throw impossible(error, found.why);
  ctx.status.status.change = goneBack(change, { digest, revision, snapshot });
  const held = heldByRollback(change, sourceOf(run).revision);
  const message = rollbackMessage(run, { message: `${held.message}${leftOutNote(found.build)}` });
  const metadata = { ...error.metadata, ...eventMetadata(run) };
  await ctx.event({ severity: 'error', reason: 'RolledBack', message, metadata });
  await forgetSnapshots(run);
  state.phase = 'unknown';
  state.wait = undefined;
  state.isHeld = true;
  return stayHeld(run, target, held);
}

/**
 * Ends a reconcile whose change waits. What was let through before is rolled back when it does not become healthy, and
 * what waits is compared with the cluster once more then.
 *
 * @throws what {@link stayHeld} and {@link rollBack} throw
 */
export async function stayHeldOrRollBack(
  run: Run,
  target: Target,
  held: HeldChange,
): Promise<Outcome> {
  try {
    return await stayHeld(run, target, held);
  } catch (error) {
    if (!isRollbackCause(run, error)) throw error;
    const outcome = await rollBack(asOfApplied(run), target, error);
    run.deps.changes.forget(run.ctx.key);
    run.deps.revisit(run.ctx.key, 'drift');
    return outcome;
  }
}
