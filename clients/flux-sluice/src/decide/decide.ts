import { type Approval, apiVersionOf, approvalKind } from '@sluice/shared/api';
import { digestOfParts } from '@sluice/shared/base';
import { isAlreadyExists, resourceOf } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { print } from '../output/report.ts';
import { exitCodes, type Session } from '../session.ts';
import { currentUser } from '../target/current-user.ts';
import { findTarget, nameOf, type Target, type TargetKind } from '../target/target.ts';
import { confirmPlan } from './confirm-plan.ts';

type Decision = 'Approve' | 'Reject';

const resource = resourceOf(approvalKind);

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
  const wanted = approvalOf({
    target,
    user,
    decision,
    digest: plan.digest,
    reason: session.invocation.reason,
  });
  const { approval, isNew } = await create(session, wanted);
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

interface Decided {
  target: Target;
  user: string;
  decision: Decision;
  digest: string;
  reason?: string;
}

/** The name is made of what is decided, so that a second attempt finds what the first has made. */
function approvalOf({ target, user, decision, digest, reason }: Decided): Approval {
  const { name, namespace, uid = '' } = target.metadata;
  const apiVersion = apiVersionOf(approvalKind);
  const kind = target.kind as TargetKind;
  const hash = digestOfParts([kind, name, digest, user, decision]).slice(0, 16);
  const owner = { apiVersion: target.apiVersion, kind, name, uid };
  return {
    apiVersion,
    kind: approvalKind.kind,
    metadata: {
      name: `${name.slice(0, 200).replace(/[.-]+$/, '')}-${hash}`,
      namespace,
      ownerReferences: [owner],
    },
    spec: {
      targetRef: { kind, name },
      planDigest: digest,
      user,
      decision,
      ...(reason !== undefined && { reason }),
    },
  };
}

async function create(
  { client }: Session,
  wanted: Approval,
): Promise<{ approval: Approval; isNew: boolean }> {
  try {
    return { approval: await client.create(resource, wanted), isNew: true };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  const approval = await client.get<Approval>(resource, wanted.metadata);
  const { planDigest, user, decision, targetRef } = approval.spec ?? {};
  const isSame =
    planDigest === wanted.spec.planDigest &&
    user === wanted.spec.user &&
    decision === wanted.spec.decision &&
    targetRef?.kind === wanted.spec.targetRef.kind &&
    targetRef.name === wanted.spec.targetRef.name;
  if (isSame) return { approval, isNew: false };
  throw new CliError(
    `the Approval ${wanted.metadata.namespace}/${wanted.metadata.name} says something else: delete it, or have it deleted`,
  );
}
