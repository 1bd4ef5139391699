import type { KubeObject, KustomizationSpec, KustomizationStatus } from '@sluice/shared/api';
import type { AdmittedChange } from './admitted-change.ts';
import type { PlanVerdict, Statement } from './approvals-verdict.ts';
import { type ChangePlan, hookCountOf, isEmptyPlan } from './change-plan.ts';
import { type Decision, decisionOf, overridden } from './decision.ts';
import { overrideOf } from './override.ts';
import { type PruneGuard, whyTooMuch } from './prune-guard.ts';
import { healthyPart, withoutRefusal } from './rollback/former-change.ts';
import type { WindowVerdict } from './windows/window-verdict.ts';

/** How changes of an object reach the cluster. */
export type ChangePolicy = NonNullable<KustomizationSpec['changePolicy']>;
/** Why a change waits. */
export type HeldReason = NonNullable<KustomizationStatus['held']>['reason'];

/** An object whose changes are controlled. */
export interface Controlled extends KubeObject {
  spec: { changePolicy?: ChangePolicy };
  status?: { change?: AdmittedChange };
}

/** What stands before the gate. */
export interface ProposedChange {
  /** `sha256:<hex>` of the change. */
  digest: string;
  revision: string;
  /** Whether it was applied before there was anything to go by, so that it is none. */
  isKnown: boolean;
  /** Whether all of it was applied before, with success. */
  isComplete: boolean;
  /** How many objects are managed now. */
  managed: number;
  /** Counts the objects that it deletes; asked only when a guard has to know. */
  deletions(): Promise<number>;
  /** Compares it with the cluster; asked only when somebody has to know. */
  plan(): Promise<ChangePlan>;
}

/** By what changes are judged. */
export interface Gate {
  /** What users say of a plan of an object. */
  verdictOn(object: KubeObject, planDigest: string): PlanVerdict;
  /** Whether a Window holds the changes of an object. */
  windowOf(object: KubeObject): WindowVerdict;
  /** The guard of objects without one of their own; undefined for none. */
  defaultPruneGuard: PruneGuard | undefined;
}

/** A change that waits. */
export interface HeldChange {
  type: 'held';
  reason: HeldReason;
  /** What it waits for, for people. */
  message: string;
  untilMs?: number | undefined;
  /** What it would do; undefined when that is of no interest any more. */
  plan?: ChangePlan;
  /** Whether drift is not corrected meanwhile either. */
  holdsDrift?: boolean;
  /** Names of the Windows that hold it. */
  window?: string;
  /** Who has refused it. */
  rejectedBy?: readonly Statement[];
}

/** Whether a change may be applied. */
export type Admission =
  | HeldChange
  | { type: 'free' }
  | {
      type: 'admitted';
      change: AdmittedChange;
      /** Why, when somebody or something had to let it through. */
      why?: string;
      /** Who let it through. */
      decision?: Decision;
    };

/** Says that a change was rolled back, by itself or because somebody asked for it. */
export function heldByRollback(
  {
    healthyRevision,
    refusedBy,
    refusedReason,
  }: Pick<AdmittedChange, 'healthyRevision' | 'refusedBy' | 'refusedReason'>,
  revision: string,
): HeldChange {
  const to = healthyRevision === undefined ? '' : `, and ${healthyRevision} is applied`;
  const by = refusedBy === undefined ? '' : ` by ${refusedBy}`;
  const what =
    refusedReason === undefined
      ? `did not become healthy and was rolled back${to}`
      : `was rolled back${by} (${refusedReason})${to}`;
  const message = `Revision ${revision} ${what}: it is not tried again until something changes`;
  return { type: 'held', reason: 'RolledBack', message };
}

type Closed = Extract<WindowVerdict, { open: false }>;

function counts(plan: ChangePlan): string {
  const hooks = hookCountOf(plan);
  const more = hooks === 0 ? '' : `, ${hooks} hooks to run`;
  return `${plan.create} to create, ${plan.change} to change, ${plan.delete} to delete${more}`;
}

function admitted(
  { status }: Controlled,
  { digest, revision }: ProposedChange,
  o: { plan?: ChangePlan; why?: string; decision?: Decision } = {},
): Admission {
  const change: AdmittedChange = {
    digest,
    revision,
    ...(o.plan && { plan: o.plan.digest }),
    ...healthyPart(status?.change),
  };
  const { why, decision } = o;
  return { type: 'admitted', change, ...(why && { why }), ...(decision && { decision }) };
}

function heldByWindow(closed: Closed, plan?: ChangePlan): HeldChange {
  const { message, untilMs, holdsDrift, names } = closed;
  const what = plan === undefined ? '' : `; plan ${plan.digest} has ${counts(plan)}`;
  return {
    type: 'held',
    reason: 'Window',
    message: `${message}${what}`,
    untilMs,
    holdsDrift,
    ...(names.length > 0 && { window: names.join(', ') }),
    ...(plan && { plan }),
  };
}

/** What was let through before is applied again, unless it was not finished and a Window stops it on the way. */
function judgeKnown(object: Controlled, change: ProposedChange, window: WindowVerdict): Admission {
  const isStopped = !window.open && !window.overrun && !change.isComplete;
  if (isStopped) return heldByWindow(window);
  const { change: before } = object.status ?? {};
  if (before?.digest === change.digest) {
    // What was rolled back may be tried again once something else was asked for.
    const known = { ...withoutRefusal(before), revision: change.revision };
    return { type: 'admitted', change: known };
  }
  return admitted(object, change);
}

function rejection({ rejectedBy }: PlanVerdict, plan: ChangePlan): HeldChange | undefined {
  const [first] = rejectedBy;
  if (first === undefined) return undefined;
  const why = first.reason === undefined ? '' : `: ${first.reason}`;
  const message = `Plan ${plan.digest} was rejected by ${first.user}${why}`;
  return { type: 'held', reason: 'Rejected', message, plan, rejectedBy };
}

/** Judges a plan by everything that can hold it. */
function judgePlan(
  object: Controlled,
  change: ProposedChange,
  o: { plan: ChangePlan; gate: Gate; window: WindowVerdict; tooMuch: string | undefined },
): Admission {
  const { plan, gate, window, tooMuch } = o;
  const { mode = 'Automatic', approvals = 1 } = object.spec.changePolicy ?? {};
  if (isEmptyPlan(plan)) return admitted(object, change);
  if (mode === 'Plan') {
    const message = `Plan ${plan.digest} has ${counts(plan)}; spec.changePolicy.mode is Plan, so nothing is applied`;
    return { type: 'held', reason: 'Plan', message, plan };
  }
  const override = overrideOf(object, plan.digest);
  if (override !== undefined) {
    const by = override.by === undefined ? '' : ` by ${override.by}`;
    return admitted(object, change, {
      plan,
      why: `overridden${by}: ${override.reason}`,
      decision: overridden(override),
    });
  }
  const verdict = gate.verdictOn(object, plan.digest);
  const rejected = rejection(verdict, plan);
  if (rejected !== undefined) return rejected;
  const { approvedBy } = verdict;
  const needed = mode === 'Approve' ? approvals : tooMuch === undefined ? 0 : 1;
  if (approvedBy.length < needed) {
    const have = needed === 1 ? '' : ` (${approvedBy.length} of ${needed})`;
    const what = `Waiting for approval${have} of plan ${plan.digest}`;
    return tooMuch === undefined
      ? { type: 'held', reason: 'Approval', message: `${what}: ${counts(plan)}`, plan }
      : { type: 'held', reason: 'PruneGuard', message: `${what}: ${tooMuch}`, plan };
  }
  if (!window.open) return heldByWindow(window, plan);
  if (approvedBy.length === 0) return admitted(object, change, { plan });
  const decision = decisionOf('approval', approvedBy);
  const why = `approved by ${decision.users.join(', ')}`;
  return admitted(object, change, { plan, decision, why });
}

/**
 * Returns why a change deletes more than the guard of its object allows; undefined when it does not, or there is none.
 *
 * @throws what {@link ProposedChange.deletions} throws
 */
export async function whyGuarded(
  { spec }: Controlled,
  change: Pick<ProposedChange, 'deletions' | 'managed'>,
  { defaultPruneGuard }: Pick<Gate, 'defaultPruneGuard'>,
): Promise<string | undefined> {
  const guard = spec.changePolicy?.pruneGuard ?? defaultPruneGuard;
  if (guard === undefined) return undefined;
  return whyTooMuch(guard, { deletions: await change.deletions(), managed: change.managed });
}

/**
 * Decides whether a change may be applied, before anything of it is. Nothing is compared with the cluster unless the
 * object's policy, a Window or a guard asks for it.
 *
 * @returns `free` when nothing controls the object's changes, so that nothing has to be noted
 * @throws what {@link ProposedChange.deletions} and {@link ProposedChange.plan} throw
 */
export async function admit(
  object: Controlled,
  change: ProposedChange,
  gate: Gate,
): Promise<Admission> {
  const { mode = 'Automatic', rollback = 'Never', pruneGuard } = object.spec.changePolicy ?? {};
  const guard = pruneGuard ?? gate.defaultPruneGuard;
  const window = gate.windowOf(object);
  const before = object.status?.change;
  const isControlled = mode !== 'Automatic' || rollback !== 'Never' || guard !== undefined;
  if (!isControlled && window.open && before === undefined) return { type: 'free' };
  if (before !== undefined && change.digest === before.refused)
    return heldByRollback(before, change.revision);
  const isKnown = before === undefined ? change.isKnown : before.digest === change.digest;
  if (isKnown) return judgeKnown(object, change, window);
  const tooMuch = await whyGuarded(object, change, gate);
  if (mode === 'Automatic' && window.open && tooMuch === undefined) return admitted(object, change);
  return judgePlan(object, change, { plan: await change.plan(), gate, window, tooMuch });
}
