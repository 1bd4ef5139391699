import type { Condition, KubeObject, KustomizationStatus } from '@sluice/shared/api';
import type { SecretMasker } from '@sluice/shared/base';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { HeldChange, HeldReason } from './admit.ts';
import { planLines } from './plan-lines.ts';
import { publishPlan, withdrawPlan } from './publish-plan.ts';

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

type Status = Pick<KustomizationStatus, 'plan' | 'held' | 'change'>;

/** The parts of a reconcile that tell of a change that waits. */
export interface Holding {
  ctx: Pick<ReconcileContext<KubeObject>, 'client' | 'event' | 'object'> & {
    status: {
      status: Status;
      getCondition(type: string): Condition | undefined;
      setCondition(condition: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>): void;
      removeCondition(type: string): void;
    };
  };
  controllerName: string;
  masker: SecretMasker;
  revision: string;
  /** Metadata of events. */
  metadata: Record<string, string>;
  signal: AbortSignal;
}

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
  status.plan = await publishPlan(object, plan, { client, controllerName, revision, signal });
}

/**
 * Says of what an object waits for with its change: the Plan, status.plan, status.held, the condition Held, and an event
 * when that is new. Written with the next status.
 *
 * @throws ApiError, ConnectionError when the Plan cannot be stored
 */
export async function noteHeld(o: Holding, held: HeldChange): Promise<void> {
  const { status } = o.ctx;
  await settlePlan(o, held);
  const { reason, untilMs } = held;
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
