import { maxRejections, type PlannedObject } from '@sluice/shared/api';
import type { SecretMasker } from '@sluice/shared/base';
import { objectIdOf } from '@sluice/shared/engine';
import type { AuditEntry } from '../audit/audit.ts';
import { auditEntry } from '../audit/audit-entry.ts';
import { auditedFields, auditedObject } from '../audit/audited-objects.ts';
import type { HeldChange } from './admit.ts';
import type { Statement } from './approvals-verdict.ts';
import type { ChangePlan } from './change-plan.ts';
import { type Decision, decisionOf } from './decision.ts';
import type { Holding } from './holding.ts';
import type { RollbackRequest } from './rollback/rollback-request.ts';

/** What all records of the gate say. */
function entryOf(
  { ctx: { object }, revision, metadata, appliedAt }: Holding,
  action: AuditEntry['action'],
  occasion: AuditEntry['occasion'],
) {
  // The same plan may come again, once something else was applied in between.
  const when = [revision, appliedAt, ...occasion];
  return auditEntry({ object, revision, facts: metadata }, action, when);
}

function modeOf({ ctx }: Holding): { mode: string } {
  return { mode: ctx.object.spec.changePolicy?.mode ?? 'Automatic' };
}

function auditedPlanned(
  { action, apiVersion, kind, namespace, name, changes = [] }: PlannedObject,
  masker: SecretMasker,
) {
  const metadata = { name, ...(namespace && { namespace }) };
  const id = objectIdOf({ apiVersion, kind, metadata });
  return { ...auditedObject(id, action.toLowerCase()), ...auditedFields(changes, masker) };
}

/** Records that a plan was published, with the paths of what it changes. */
export async function recordPlan(o: Holding, plan: ChangePlan): Promise<void> {
  if (!o.audit.enabled) return;
  await o.audit.record({
    ...entryOf(o, 'plan', [plan.digest]),
    what: {
      plan: plan.digest,
      objects: plan.objects.map((object) => auditedPlanned(object, o.masker)),
    },
    why: modeOf(o),
  });
}

/** Records that people have let a plan through. */
export async function recordDecision(
  o: Holding,
  decision: Decision,
  digests: { plan: string | undefined; after: string },
): Promise<void> {
  const { action, users, text } = decision;
  await o.audit.record({
    ...entryOf(o, action, [digests.plan, ...users, text]),
    ...decided(o, decision, digests),
  });
}

function decided(
  o: Holding,
  { users, approvals, text }: Decision,
  { plan, after }: { plan: string | undefined; after?: string },
): Pick<AuditEntry, 'users' | 'what' | 'why'> {
  return {
    users,
    what: { ...(plan && { plan }), ...(after && { after }) },
    why: {
      ...modeOf(o),
      ...(approvals && { approvals }),
      ...(text && { text: o.masker.mask(text) }),
    },
  };
}

/**
 * Records who has refused the plan in the status, each Approval once: the status, which is to be written afterwards, says
 * of which the trail knows.
 */
export async function recordRejections(
  o: Holding,
  rejectedBy: readonly Statement[],
): Promise<void> {
  const { plan } = o.ctx.status.status;
  if (!o.audit.enabled || plan === undefined) return;
  const recorded = plan.rejections ?? [];
  const news = rejectedBy
    .filter(({ uid }) => !recorded.includes(uid))
    .slice(0, maxRejections - recorded.length);
  for (const statement of news) {
    await o.audit.record({
      ...entryOf(o, 'rejection', [plan.digest, statement.uid]),
      ...decided(o, decisionOf('rejection', [statement]), { plan: plan.digest }),
    });
  }
  if (news.length > 0) plan.rejections = [...recorded, ...news.map(({ uid }) => uid)];
}

/** Records that somebody has asked for what was there before, and gets it. */
export async function recordRollback(
  o: Holding,
  { requestedAt, by, reason }: RollbackRequest,
  { before, after }: { before: string; after: string },
): Promise<void> {
  await o.audit.record({
    ...entryOf(o, 'rollback', [requestedAt, before, after]),
    ...(by && { users: [by] }),
    what: { before, after },
    why: { ...modeOf(o), ...(reason && { text: o.masker.mask(reason) }) },
  });
}

/** Records that a change waits, and for what. */
export async function recordHold(o: Holding, held: HeldChange): Promise<void> {
  const { reason, message, plan, window, untilMs } = held;
  const before = o.ctx.status.status.held?.reason;
  await o.audit.record({
    ...entryOf(o, 'hold', [reason, before, plan?.digest, untilMs]),
    ...(plan && { what: { plan: plan.digest } }),
    why: { ...modeOf(o), ...(window && { window }), text: o.masker.mask(message) },
  });
}
