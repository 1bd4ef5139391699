import type { KubeObject } from '@sluice/shared/api';
import type { MigrationWorld } from './world.ts';

const metadata = { namespace: 'flux-system', name: 'hook' };

/** The objects that make every event of the team arrive at the world's webhook, in the order to apply them. */
export function alerting(world: MigrationWorld): KubeObject[] {
  const eventSources = ['GitRepository', 'HelmChart', 'Kustomization', 'HelmRelease'].flatMap(
    (kind) => ['flux-system', 'releases'].map((namespace) => ({ kind, name: '*', namespace })),
  );
  const notification = { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3', metadata };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.namespace } },
    {
      ...notification,
      kind: 'Provider',
      spec: { type: 'generic', address: world.hook.url },
    },
    {
      ...notification,
      kind: 'Alert',
      spec: { providerRef: { name: metadata.name }, eventSources },
    },
  ] as KubeObject[];
}
