import type { Statement } from './approvals-verdict.ts';
import type { Override } from './override.ts';

/** What people have decided about a plan. */
export interface Decision {
  action: 'approval' | 'rejection' | 'override';
  users: string[];
  /** Names of the Approvals by which they did. */
  approvals?: string[];
  /** Why, in their words. */
  text?: string;
}

/** Most users of whom reasons are told. */
const maxReasons = 10;

/** Returns what users have decided by Approvals. */
export function decisionOf(
  action: 'approval' | 'rejection',
  statements: readonly Statement[],
): Decision {
  const reasons = statements.slice(0, maxReasons).flatMap(({ reason }) => reason || []);
  return {
    action,
    users: [...new Set(statements.map(({ user }) => user))],
    approvals: statements.map(({ approval }) => approval),
    ...(reasons.length > 0 && { text: reasons.join('; ') }),
  };
}

/** Returns that somebody let a plan pass in spite of all. */
export function overridden({ by, reason }: Override): Decision {
  return { action: 'override', users: by === undefined ? [] : [by], text: reason };
}
