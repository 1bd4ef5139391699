import { readFile } from 'node:fs/promises';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import { testCluster } from './cluster.ts';
import { homeIssuer, startControlPlane } from './control-plane.ts';

/** Another cluster, which takes tokens of ServiceAccounts of the run-wide one. */
export interface TrustingCluster {
  server: string;
  /** Authority of its certificate, in PEM. */
  ca: string;
  /** Admin access. */
  client: KubeClient;
  /** Lets a ServiceAccount of the run-wide cluster do everything with some kinds of core objects there. */
  allow(account: { namespace: string; name: string }, plurals: string[]): Promise<void>;
  stop(): Promise<void>;
}

const group = 'rbac.authorization.k8s.io';
const rbac = (kind: string, plural: string): ApiResource => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: false,
});
const roles = rbac('ClusterRole', 'clusterroles');
const bindings = rbac('ClusterRoleBinding', 'clusterrolebindings');
const prefix = 'home:';

/**
 * Starts another control plane that takes tokens of ServiceAccounts of the run-wide cluster, as of any issuer of OIDC.
 *
 * @param audience of the tokens
 */
export async function startTrustingCluster(audience: string): Promise<TrustingCluster> {
  const home = await testCluster();
  await openDiscovery(home.client);
  const { server: homeServer, ca: homeCa } = await clusterIn(home.kubeconfigPath);
  const plane = await startControlPlane({
    kwok: false,
    scheduler: false,
    issuer: 'https://trusting.default.svc',
    trusted: [
      {
        issuer: {
          url: homeIssuer,
          discoveryURL: `${homeServer}/.well-known/openid-configuration`,
          certificateAuthority: homeCa,
          audiences: [audience],
          audienceMatchPolicy: 'MatchAny',
        },
        claimMappings: { username: { claim: 'sub', prefix } },
      },
    ],
  });
  const { createKubeClient, loadKubeConfig } = await import('@sluice/shared/kube');
  const client = createKubeClient(loadKubeConfig({ path: plane.kubeconfigPath }));
  const { ca } = await clusterIn(plane.kubeconfigPath);
  return {
    server: plane.server,
    ca,
    client,
    async allow({ namespace, name }, plurals) {
      const user = `${prefix}system:serviceaccount:${namespace}:${name}`;
      const metadata = { name: `${namespace}-${name}` };
      const rules = [{ apiGroups: [''], resources: plurals, verbs: ['*'] }];
      await client.create(roles, objectOf('ClusterRole', metadata, { rules }));
      await client.create(bindings, bindingOf(metadata.name, metadata.name, user));
    },
    async stop() {
      await client.close();
      await plane.stop();
    },
  };
}

/** Lets others look up the keys of the run-wide cluster, as they have to. */
async function openDiscovery(client: KubeClient): Promise<void> {
  const { isAlreadyExists } = await import('@sluice/shared/kube');
  const binding = objectOf(
    'ClusterRoleBinding',
    { name: 'test-issuer-discovery' },
    {
      roleRef: {
        apiGroup: group,
        kind: 'ClusterRole',
        name: 'system:service-account-issuer-discovery',
      },
      subjects: [{ apiGroup: group, kind: 'Group', name: 'system:unauthenticated' }],
    },
  );
  await client.create(bindings, binding).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

function bindingOf(name: string, role: string, user: string): KubeObject {
  return objectOf(
    'ClusterRoleBinding',
    { name },
    {
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: group, kind: 'User', name: user }],
    },
  );
}

function objectOf(kind: string, metadata: { name: string }, more: object): KubeObject {
  return { apiVersion: `${group}/v1`, kind, metadata, ...more };
}

async function clusterIn(path: string): Promise<{ server: string; ca: string }> {
  const { clusterOfKubeConfig } = await import('@sluice/shared/kube');
  const { server, caData = '' } = clusterOfKubeConfig(await readFile(path, 'utf8'));
  return { server, ca: Buffer.from(caData, 'base64').toString('utf8') };
}
