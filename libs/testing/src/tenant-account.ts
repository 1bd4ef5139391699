import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, coreResources, type KubeClient } from '@sluice/shared/kube';

const rbac = (kind: string, plural: string): ApiResource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});

/** A rule of a Role. */
export interface TenantRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** Everything with the objects that a tenant usually has, and nothing outside of the namespace. */
const usualRules: TenantRule[] = [
  { apiGroups: ['', 'apps', 'batch'], resources: ['*'], verbs: ['*'] },
];

/**
 * Makes a ServiceAccount whose rights end at its namespace.
 *
 * @param key of the account
 * @param rules of its Role; everything with core objects and workloads unless told
 */
export async function tenantAccount(
  client: KubeClient,
  { namespace, name }: { namespace: string; name: string },
  rules: TenantRule[] = usualRules,
): Promise<void> {
  const metadata = { name, namespace };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await client.create(coreResources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata,
  });
  const role = { apiVersion, kind: 'Role', metadata, rules } as KubeObject;
  await client.create(rbac('Role', 'roles'), role);
  const binding = {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  } as KubeObject;
  await client.create(rbac('RoleBinding', 'rolebindings'), binding);
}
