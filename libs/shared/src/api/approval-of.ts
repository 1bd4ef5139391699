import { digestOfParts } from '@sluice/shared/base';
import { type Approval, approvalKind } from './approval.ts';
import { apiVersionOf, type KubeObject } from './kind.ts';

/** What somebody decides about a plan. */
export interface PlanDecision {
  /** The Kustomization or HelmRelease that the plan is of. */
  target: KubeObject;
  planDigest: string;
  /** As the API server knows them. */
  user: string;
  decision: 'Approve' | 'Reject';
  reason?: string | undefined;
}

const shownCharacters = 200;
const hexDigits = 16;

/**
 * Makes the Approval of a decision, which goes with its target. The name is made of what is decided and by whom, so that a
 * second attempt finds what the first has made.
 */
export function approvalOf({ target, planDigest, user, decision, reason }: PlanDecision): Approval {
  const { name, namespace, uid = '' } = target.metadata;
  const kind = target.kind as Approval['spec']['targetRef']['kind'];
  const hash = digestOfParts([kind, name, planDigest, user, decision]).slice(0, hexDigits);
  return {
    apiVersion: apiVersionOf(approvalKind),
    kind: approvalKind.kind,
    metadata: {
      name: `${name.slice(0, shownCharacters).replace(/[.-]+$/, '')}-${hash}`,
      namespace,
      ownerReferences: [{ apiVersion: target.apiVersion, kind, name, uid }],
    },
    spec: { targetRef: { kind, name }, planDigest, user, decision, ...(reason && { reason }) },
  };
}
