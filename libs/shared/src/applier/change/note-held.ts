import { eventPlanKey } from '@sluice/shared/api';
import type { HeldChange, HeldReason } from './admit.ts';
import type { Holding } from './holding.ts';
import { planLines } from './plan-lines.ts';
import { publishPlan, withdrawPlan } from './publish-plan.ts';
import { recordHold, recordPlan, recordRejections } from './record-decisions.ts';

/** Condition of an object whose change waits. */
export const heldCondition = 'Held';
/** Reason of the Ready condition of an object of which nothing has been applied yet. */
export const heldReason = 'Held';

/** Reasons of the events that tell of a change that waits; of a rollback, another event tells. */
const eventReasons: Record<HeldReason, string | undefined> = {
  Window: 'ChangeHeld',
  Approval: 'ApprovalRequired',
  PruneGuard: 'PruneGuard',
  Plan: 'Planned',
  Rejected: 'PlanRejected',
  RolledBack: undefined,
};
/** On these, people should act. */
const alarming: ReadonlySet<HeldReason> = new Set(['PruneGuard', 'Rejected']);

async function tell(o: Holding, { reason, plan }: HeldChange, message: string): Promise<void> {
  const eventReason = eventReasons[reason];
  if (eventReason === undefined) return;
  const lines = plan === undefined ? [] : planLines(plan);
  await o.ctx.event({
    severity: alarming.has(reason) ? 'error' : 'info',
    reason: eventReason,
    message: o.masker.mask([message, ...lines].join('\n')),
    metadata: { ...o.metadata, ...(plan && { [eventPlanKey]: plan.digest }) },
  });
}

type Forgetting = Pick<Holding, 'ctx' | 'signal' | 'storedPlans'>;

/** Removes the Plan, also one that a process has stored which ended before the status said so. */
async function removePlan({ ctx, signal, storedPlans }: Forgetting): Promise<void> {
  const { client, object, key } = ctx;
  const { status } = ctx.status;
  const isControlled = status.plan !== undefined || status.change !== undefined;
  if (isControlled && (status.plan !== undefined || storedPlans.mayHave(key))) {
    await withdrawPlan(object, { client, signal });
    storedPlans.note(key, undefined);
  }
  delete status.plan;
}

/** Writes and removes the Plan so that it is the one of the change that waits. */
async function settlePlan(o: Holding, { plan }: HeldChange): Promise<void> {
  const { status } = o.ctx.status;
  const { client, object } = o.ctx;
  const { signal, revision, controllerName, storedPlans } = o;
  if (plan === undefined) return removePlan(o);
  const { digest } = plan;
  const before = status.plan?.digest === digest ? status.plan : undefined;
  const isSaid = before?.revision === revision;
  // What another process has said it may have withdrawn since.
  if (isSaid && storedPlans.has(o.ctx.key, { digest, revision })) return;
  // Until the answer is there, it may be stored or not.
  storedPlans.forget(o.ctx.key);
  const published = await publishPlan(object, plan, { client, controllerName, revision, signal });
  storedPlans.note(o.ctx.key, { digest, revision });
  // What is known of the plan holds for any revision of it.
  status.plan = { ...before, ...published };
  if (before === undefined) await recordPlan(o, plan);
}

/**
 * Says of what an object waits for with its change: the Plan, status.plan, status.held, the condition Held, and, when that
 * is new, an event and the audit trail. Written with the next status.
 *
 * @throws ApiError, ConnectionError when the Plan cannot be stored
 */
export async function noteHeld(o: Holding, held: HeldChange): Promise<void> {
  const { status } = o.ctx;
  const { plan, held: known } = status.status;
  await settlePlan(o, held);
  const { reason, untilMs, rejectedBy } = held;
  if (rejectedBy !== undefined) await recordRejections(o, rejectedBy);
  else if (known?.reason !== reason || plan?.digest !== held.plan?.digest)
    await recordHold(o, held);
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  status.status.held = { reason, ...(until && { until: until.replace(/\.\d+Z$/, 'Z') }) };
  const message = o.masker.mask(held.message);
  const before = status.getCondition(heldCondition);
  status.setCondition({ type: heldCondition, status: 'True', reason, message });
  if (before?.reason !== reason || before.message !== message) await tell(o, held, message);
}

/**
 * Takes back what was said of a change that waited.
 *
 * @throws ApiError, ConnectionError when the Plan cannot be removed
 */
export async function forgetHeld(o: Forgetting): Promise<void> {
  const { status } = o.ctx;
  status.removeCondition(heldCondition);
  delete status.status.held;
  await removePlan(o);
}
