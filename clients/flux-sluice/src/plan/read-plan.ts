import { type HelmReleaseStatus, type Plan, planKind } from '@sluice/shared/api';
import { isForbidden, isNotFound, resourceOf } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import type { Session } from '../session.ts';
import type { Held } from '../target/held.ts';
import { nameOf, type Target } from '../target/target.ts';

export type PlanSummary = NonNullable<HelmReleaseStatus['plan']>;

/** A plan, and what it waits for. */
export interface WaitingPlan {
  target: Target;
  plan: Plan;
  held: Held | undefined;
}

const { group, version, plural } = planKind;
const planPath = new RegExp(`^/apis/${group}/${version}/namespaces/([^/]+)/${plural}/([^/]+)$`);

/**
 * Fetches the Plan that the status of an object names.
 *
 * @throws CliError when it is not that of the status, or may not be read; ApiError, ConnectionError
 */
export async function readPlan(
  { client }: Session,
  { target, summary }: { target: Target; summary: PlanSummary },
): Promise<WaitingPlan> {
  const { namespace } = target.metadata;
  const [, of, name] = planPath.exec(summary.url ?? '') ?? [];
  if (name === undefined || of !== namespace) {
    throw new CliError(`status.plan.url of ${nameOf(target)} names no Plan of its namespace`);
  }
  const plan = await fetchPlan({ client, namespace, name });
  const { targetRef, digest } = plan.spec ?? {};
  const isMeant = targetRef?.kind === target.kind && targetRef.name === target.metadata.name;
  if (!isMeant || digest !== summary.digest) {
    throw new CliError(`the plan of ${nameOf(target)} is changing just now: try again`);
  }
  return { target, plan, held: target.status?.held };
}

async function fetchPlan(o: { client: Session['client']; namespace?: string; name: string }) {
  const { client, namespace, name } = o;
  try {
    return await client.get<Plan>(resourceOf(planKind), { namespace, name });
  } catch (error) {
    if (isNotFound(error)) {
      throw new CliError(`the Plan ${namespace}/${name} is gone: try again`, { cause: error });
    }
    if (!isForbidden(error)) throw error;
    throw new CliError(
      `the Plan ${namespace}/${name} may not be read: you need get on ${plural}.${group}`,
      { cause: error },
    );
  }
}
