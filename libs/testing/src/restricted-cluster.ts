import { join } from 'node:path';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import { type AuditedRequest, auditedRequests } from './audit.ts';
import { createNamespace } from './cluster.ts';
import { startControlPlane } from './control-plane.ts';
import { installCrds } from './crds.ts';
import { controllerAccount } from './tenant-account.ts';

/** A cluster of its own in which a controller may see no workloads. */
export interface RestrictedCluster {
  /** Admin access. */
  client: KubeClient;
  kubeconfigPath: string;
  /** Acts as the controller. */
  controller: KubeClient;
  /** Returns what an account has asked for so far. */
  requestsOf(account: { namespace: string; name: string }): Promise<AuditedRequest[]>;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../../..');

const nodes: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
};

/** Starts a control plane with our kinds, an account of a controller with few rights, and a node. */
export async function startRestrictedCluster(): Promise<RestrictedCluster> {
  const plane = await startControlPlane({ audit: true });
  await installCrds(root, plane.kubeconfigPath);
  const { createKubeClient, loadKubeConfig } = await import('@sluice/shared/kube');
  const { kubeconfigPath } = plane;
  const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
  const key = { namespace: 'system', name: 'controller' };
  await createNamespace(client, key.namespace);
  return {
    client,
    kubeconfigPath,
    controller: await controllerAccount(client, key),
    async requestsOf({ namespace, name }) {
      const user = `system:serviceaccount:${namespace}:${name}`;
      const all = await auditedRequests(plane.dir);
      return all.filter(({ impersonated }) => impersonated === user);
    },
    async stop() {
      await client.close();
      await plane.stop();
    },
  };
}

/** Gives the nodes a label, for which Pods may wait. */
export async function labelNodes(client: KubeClient, label: string): Promise<void> {
  const { items } = await client.list(nodes);
  const patch = { metadata: { labels: { [label]: 'yes' } } };
  for (const { metadata } of items) await client.patch(nodes, metadata, patch, { type: 'merge' });
}
