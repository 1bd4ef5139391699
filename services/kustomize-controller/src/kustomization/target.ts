import { clientForTenant } from '@sluice/shared/kube';
import type { Run, Target } from './run.ts';

/**
 * Finds the cluster to act on and the identity to act as: spec.kubeConfig, spec.serviceAccountName and the defaults.
 *
 * @throws StalledError, RetryableError `ReconciliationFailed` when they cannot be used
 */
export async function resolveTarget({ object, deps, ctx, signal }: Run): Promise<Target> {
  const { settings } = deps;
  const { kubeConfig, serviceAccountName } = object.spec;
  const client = await clientForTenant({
    client: ctx.client,
    namespace: object.metadata.namespace ?? '',
    kubeConfig,
    serviceAccountName,
    defaultServiceAccount: settings.defaultServiceAccount || undefined,
    defaultKubeConfigServiceAccount: settings.defaultKubeConfigServiceAccount || undefined,
    insecureExec: settings.insecureKubeConfigExec,
    insecureTls: settings.insecureKubeConfigTls,
    signal,
    cache: deps.tenants,
  });
  return { client, cluster: await deps.clusters.clusterOf(object) };
}
