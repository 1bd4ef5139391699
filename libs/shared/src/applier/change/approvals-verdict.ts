import type { Approval } from '@sluice/shared/api';

/** What users have said of a plan. */
export interface PlanVerdict {
  /** Who approves it, each once. */
  approvedBy: string[];
  /** Who rejects it, with the reason if there is one. */
  rejectedBy: { user: string; reason: string | undefined }[];
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
  return {
    approvedBy: [...new Set(approving.map(({ spec }) => spec.user))].sort(),
    rejectedBy: rejecting.map(({ spec }) => ({ user: spec.user, reason: spec.reason })),
  };
}
