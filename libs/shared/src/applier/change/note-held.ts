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
    metadata: o.metadata,
  });
}

/** Writes and removes the Plan so that it is the one of the change that waits. */
async function settlePlan(o: Holding, { plan }: HeldChange): Promise<void> {
  const { status } = o.ctx.status;
  const { client, object } = o.ctx;
  const { signal, revision, controllerName } = o;
  if (plan === undefined) {
    if (status.plan !== undefined) await withdrawPlan(object, { client, signal });
    delete status.plan;
    return;
  }
  if (status.plan?.digest === plan.digest && status.plan.revision === revision) return;
  const before = status.plan?.digest === plan.digest ? status.plan : undefined;
  const published = await publishPlan(object, plan, { client, controllerName, revision, signal });
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
export async function forgetHeld(o: Pick<Holding, 'ctx' | 'signal'>): Promise<void> {
  const { client, object, status } = o.ctx;
  status.removeCondition(heldCondition);
  delete status.status.held;
  if (status.status.plan === undefined) return;
  await withdrawPlan(object, { client, signal: o.signal });
  delete status.status.plan;
}
