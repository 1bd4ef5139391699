import { type Approval, approvalKind } from '@sluice/shared/api';
import { isAlreadyExists, type KubeClient, resourceOf } from '@sluice/shared/kube';

/** What has become of an Approval that was to be created. */
export interface CreatedApproval {
  /** As it is stored. */
  approval: Approval;
  /** Whether it is new. */
  isNew: boolean;
  /** Whether it says what was to be said; another one of the name may say something else. */
  isSame: boolean;
}

const resource = resourceOf(approvalKind);

/**
 * Creates an Approval; to say the same twice is no error.
 *
 * @throws ApiError, ConnectionError
 */
export async function createApproval(
  client: KubeClient,
  wanted: Approval,
): Promise<CreatedApproval> {
  try {
    return { approval: await client.create(resource, wanted), isNew: true, isSame: true };
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
  return { approval, isNew: false, isSame };
}
