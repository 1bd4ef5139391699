import {
  type Approval,
  apiVersionOf,
  approvalKind,
  type HelmRelease,
  type KindDefinition,
  type Plan,
  planKind,
} from '@sluice/shared/api';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import type { Bed } from '../harness.ts';

export const plans = resourceOf(planKind as KindDefinition);
export const approvals = resourceOf(approvalKind as KindDefinition);

/** Waits until a change waits for a reason, with another plan than the given one. */
export async function untilHeld(
  bed: Bed,
  o: { reason: string; name?: string; not?: string | undefined },
): Promise<HelmRelease> {
  const { reason, name, not } = o;
  return bed.when(({ status, metadata }) => {
    const isSettled = status?.observedGeneration === metadata.generation;
    return isSettled && status?.held?.reason === reason && status.plan?.digest !== not;
  }, name);
}

/** Returns the Plan of a HelmRelease; undefined when there is none. */
export async function planOf({ client, namespace }: Bed, name: string): Promise<Plan | undefined> {
  try {
    return await client.get<Plan>(plans, { namespace, name: `helmrelease-${name}` });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What a user says of a plan; of a HelmRelease unless told otherwise. */
export interface Saying {
  digest: string | undefined;
  user?: string;
  decision?: 'Approve' | 'Reject';
  kind?: 'HelmRelease' | 'Kustomization';
  namespace?: string;
}

let made = 0;

/** Makes an Approval. */
export async function say({ client, namespace }: Bed, name: string, o: Saying): Promise<void> {
  made += 1;
  const approval: Approval = {
    apiVersion: apiVersionOf(approvalKind as KindDefinition),
    kind: approvalKind.kind,
    metadata: { name: `a${made}`, namespace: o.namespace ?? namespace },
    spec: {
      targetRef: { kind: o.kind ?? 'HelmRelease', name },
      planDigest: o.digest ?? '',
      user: o.user ?? 'jane',
      ...(o.decision && { decision: o.decision }),
    },
  };
  await client.create(approvals, approval);
}
