import { approvalOf } from '@sluice/shared/api';
import { createApproval } from '@sluice/shared/runtime';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { print } from '../output/report.ts';
import { exitCodes, type Session } from '../session.ts';
import { currentUser } from '../target/current-user.ts';
import { findTarget, nameOf, type Target } from '../target/target.ts';
import { confirmPlan } from './confirm-plan.ts';

type Decision = 'Approve' | 'Reject';

/**
 * Approves or rejects the plan of the object that the command line names, in the name of the current user. To say the
 * same twice is no error.
 *
 * @returns the exit code: 1 when the user has thought better of it
 * @throws CliError, ApiError, ConnectionError
 */
export async function runDecision(session: Session, decision: Decision): Promise<number> {
  const target = await findTarget(session);
  const plan = await confirmPlan(session, target, decision);
  if (plan === undefined) {
    session.terminal.note('Nothing was decided.');
    return exitCodes.failed;
  }
  warn(session, { target, decision });
  const user = await currentUser(session.client);
  const { reason } = session.invocation;
  const wanted = approvalOf({ target, user, decision, planDigest: plan.digest, reason });
  const { approval, isNew, isSame } = await createApproval(session.client, wanted);
  if (!isSame)
    throw new CliError(
      `the Approval ${target.metadata.namespace}/${wanted.metadata.name} says something else: delete it, or have it deleted`,
    );
  const said = decision === 'Approve' ? 'approved' : 'rejected';
  const text = `${nameOf(target)}: plan ${oneLine(plan.digest)} ${isNew ? 'is' : 'was already'} ${said} by ${oneLine(user)}\n`;
  const { managedFields: _, ...metadata } = approval.metadata;
  print(session, { text: () => text, json: () => ({ ...approval, metadata }) });
  return exitCodes.done;
}

/** Says when a decision comes to nothing. */
function warn({ terminal }: Session, o: { target: Target; decision: Decision }): void {
  const reason = o.target.status?.held?.reason;
  if (o.decision === 'Reject') return;
  if (reason === 'Plan') {
    terminal.note('spec.changePolicy.mode is Plan: the plan is not applied even when approved.');
  }
  if (reason === 'Rejected') terminal.note('The plan was rejected, which outweighs approvals.');
}
