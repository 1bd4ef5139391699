import type { Approval } from '@sluice/shared/api';

/** What one user has said of a plan. */
export interface Statement {
  user: string;
  /** Name of the Approval. */
  approval: string;
  /** Of the Approval. */
  uid: string;
  reason: string | undefined;
}

/** What users have said of a plan. */
export interface PlanVerdict {
  /** Who approves it, each once. */
  approvedBy: Statement[];
  /** Who rejects it. */
  rejectedBy: Statement[];
}

function statementOf({ metadata, spec }: Approval): Statement {
  const { name: approval, uid = '' } = metadata;
  return { user: spec.user, approval, uid, reason: spec.reason };
}

/** By users and then by names, so that what is told does not depend on the order in which a watch has seen them. */
function compare(a: Statement, b: Statement): number {
  if (a.user !== b.user) return a.user < b.user ? -1 : 1;
  return a.approval < b.approval ? -1 : 1;
}

/**
 * Counts what Approvals say of a plan. Those of another plan count for nothing.
 *
 * @param approvals those that name the object that the plan is of
 */
export function planVerdict(approvals: readonly Approval[], planDigest: string): PlanVerdict {
  const about = approvals.filter(({ spec }) => spec.planDigest === planDigest);
  const rejecting = about.filter(({ spec }) => spec.decision === 'Reject');
  const approving = about.filter(({ spec }) => spec.decision !== 'Reject');
  const sorted = approving.map(statementOf).sort(compare);
  return {
    approvedBy: sorted.filter(({ user }, index) => user !== sorted[index - 1]?.user),
    rejectedBy: rejecting.map(statementOf).sort(compare),
  };
}
