import {
  type Approval,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  type Kustomization,
  type Plan,
  planKind,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import type { Bed } from './harness.ts';

export const approvals = resourceOf(approvalKind as KindDefinition);
export const plans = resourceOf(planKind as KindDefinition);

/** What tests of changes that wait do and look at, on the bed that there is by then. */
export function changesOn(present: () => Bed) {
  return {
    /** Waits until a change of a revision waits for a reason; returns the object and the digest of its plan. */
    async held(name: string, revision: string, reason: string) {
      const object = await present().when(
        ({ status, metadata }) =>
          status?.held?.reason === reason &&
          status.lastAttemptedRevision === revision &&
          status.observedGeneration === metadata.generation &&
          (status.plan === undefined || status.plan.revision === revision),
        name,
      );
      return { object, digest: object.status?.plan?.digest ?? '' };
    },

    /** Creates an Approval, by lead unless told. */
    async decide(name: string, spec: Partial<Approval['spec']>): Promise<void> {
      const { client, namespace } = present();
      await client.create(approvals, {
        apiVersion: 'delivery.sluice.dev/v1alpha1',
        kind: 'Approval',
        metadata: { generateName: 'approval-', namespace } as KubeObject['metadata'],
        spec: { targetRef: { kind: 'Kustomization', name }, user: 'lead', ...spec },
      } as KubeObject);
    },

    planOf(object: Kustomization): Promise<Plan> {
      const { client, namespace } = present();
      const name = object.status?.plan?.url.split('/').at(-1) ?? '';
      return client.get<Plan>(plans, { namespace, name });
    },
  };
}
