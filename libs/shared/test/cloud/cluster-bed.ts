import { type CloudIdentities, createClusterLogins } from '@sluice/shared/cloud';
import type { ClusterLogin, KubeClient } from '@sluice/shared/kube';
import type { Cloud } from './cloud-bed.ts';

/** Logs in to the cluster that the data of a ConfigMap describe. */
export function logInTo(
  cloud: Cloud,
  identities: CloudIdentities,
  data: Record<string, string>,
  as: { client?: KubeClient; namespace?: string } = {},
): Promise<ClusterLogin> {
  const { client, namespace, dispatcher } = { ...cloud.caller(), ...as };
  return createClusterLogins({ identities, dispatcher })({ data, client, namespace });
}

/** What EKS answers to the question for a cluster. */
export const eksAnswer = (o: { arn: string; endpoint: string; ca: string }) => ({
  cluster: {
    arn: o.arn,
    endpoint: o.endpoint,
    certificateAuthority: { data: Buffer.from(o.ca).toString('base64') },
  },
});
