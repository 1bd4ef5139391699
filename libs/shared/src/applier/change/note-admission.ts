import { progressingReason } from '@sluice/shared/runtime';
import type { Admission } from './admit.ts';
import type { Holding } from './holding.ts';
import { forgetHeld } from './note-held.ts';
import { recordDecision } from './record-decisions.ts';

type LetThrough = Exclude<Admission, { type: 'held' }>;

/**
 * Notes that a change was let through: who has, in the audit trail, and then what, in status.change. Written with the next
 * status, which has to be before the first write.
 *
 * @throws ApiError, ConnectionError when the Plan cannot be removed
 */
export async function noteAdmission(o: Holding, admission: LetThrough): Promise<void> {
  const { status } = o.ctx.status;
  if (admission.type === 'free') delete status.change;
  else {
    const { change, decision } = admission;
    if (decision !== undefined)
      await recordDecision(o, decision, { plan: change.plan, after: change.digest });
    status.change = change;
  }
  await forgetHeld(o);
}

/**
 * Tells that somebody had to let a change through.
 *
 * @param what says what is done, such as `Applying plan sha256:…`
 */
export async function tellAdmission(
  o: Holding,
  { why, decision }: Extract<Admission, { type: 'admitted' }>,
  what: string,
): Promise<void> {
  if (why === undefined) return;
  const isOverride = decision?.action === 'override';
  await o.ctx.event({
    severity: isOverride ? 'error' : 'info',
    reason: isOverride ? 'PlanOverridden' : progressingReason,
    message: o.masker.mask(`${what}, ${why}`),
    metadata: o.metadata,
  });
}
