import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  coreResources,
  type KubeClient,
  serviceAccountIdentity,
} from '@sluice/shared/kube';

const rbac = (kind: string, plural: string, namespaced = true): ApiResource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced,
});
const apiVersion = 'rbac.authorization.k8s.io/v1';

type Review = KubeObject & { status?: { allowed: boolean } };

/** A rule of a Role. */
export interface TenantRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** Everything with the objects that a tenant usually has, and nothing outside of the namespace. */
const usualRules: TenantRule[] = [
  { apiGroups: ['', 'apps', 'batch'], resources: ['*'], verbs: ['*'] },
];

/** What a controller needs of the whole cluster to work at all; it shows no workloads. */
const controllerRules: TenantRule[] = [
  {
    apiGroups: [
      ...['kustomize', 'helm', 'source'].map((name) => `${name}.toolkit.fluxcd.io`),
      'delivery.sluice.dev',
    ],
    resources: ['*'],
    verbs: ['*'],
  },
  { apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get', 'impersonate'] },
];

/**
 * Makes the ServiceAccount of a controller whose rights over the cluster are those that it cannot do without.
 *
 * @returns a client that acts as it
 */
export async function controllerAccount(
  client: KubeClient,
  { namespace, name }: { namespace: string; name: string },
): Promise<KubeClient> {
  const key = { namespace, name };
  await client.create(coreResources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: key,
  });
  const metadata = { name: `${namespace}-${name}` };
  const rules = controllerRules;
  const role = { apiVersion, kind: 'ClusterRole', metadata, rules } as KubeObject;
  await client.create(rbac('ClusterRole', 'clusterroles', false), role);
  const binding = {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', ...key }],
  } as KubeObject;
  await client.create(rbac('ClusterRoleBinding', 'clusterrolebindings', false), binding);
  return client.impersonate(serviceAccountIdentity(namespace, name));
}

/** Changes what the Role of a {@link tenantAccount} allows. */
export async function changeTenant(
  client: KubeClient,
  key: { namespace: string; name: string },
  rules: TenantRule[],
): Promise<void> {
  await client.patch(rbac('Role', 'roles'), key, { rules }, { type: 'merge' });
}

/**
 * Makes a ServiceAccount whose rights end at its namespace, and waits until it has them.
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
  await untilAllowed(client, { namespace, name }, rules);
}

const accessReviews: ApiResource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
};

/** Waits until what decides about requests, which learns of roles by a watch, knows the rights of an account. */
async function untilAllowed(
  client: KubeClient,
  { namespace, name }: { namespace: string; name: string },
  rules: TenantRule[],
): Promise<void> {
  const [rule] = rules;
  if (rule === undefined) return;
  const spec = {
    user: `system:serviceaccount:${namespace}:${name}`,
    resourceAttributes: {
      namespace,
      group: rule.apiGroups[0],
      resource: rule.resources[0],
      verb: rule.verbs[0],
      name: rule.resourceNames?.[0],
    },
  };
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: accessReviews.kind,
    metadata: {},
    spec,
  };
  const deadline = Date.now() + 60_000;
  while (
    !(await client.create<Review>(accessReviews, review as unknown as Review)).status?.allowed
  ) {
    if (Date.now() > deadline) throw new Error(`the account ${namespace}/${name} has no rights`);
    await delay(20);
  }
}
