import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import type { AuditedRequest } from '@sluice/testing';

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  verbs: string[];
}

interface Binding extends KubeObject {
  roleRef: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[];
}

/** One verb on one resource that a ServiceAccount was granted. */
export interface Permission {
  group: string;
  /** Plural, with the subresource after a slash. */
  resource: string;
  verb: string;
  /** The objects that it is limited to; all when absent. */
  names?: string[];
  /** The namespace that it is limited to; all when absent. */
  namespace?: string;
}

/** What a ServiceAccount may do. */
export interface Grants {
  permissions: Permission[];
  /** ClusterRoles that are the cluster's own, such as `cluster-admin`; their rules are not among the permissions. */
  clusterRoles: string[];
}

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const kinds: Record<string, ApiResource> = {
  ClusterRole: { ...rbac, kind: 'ClusterRole', plural: 'clusterroles', namespaced: false },
  Role: { ...rbac, kind: 'Role', plural: 'roles', namespaced: true },
};
const bindingKinds: ApiResource[] = [
  { ...rbac, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false },
  { ...rbac, kind: 'RoleBinding', plural: 'rolebindings', namespaced: true },
];
const builtIn = 'kubernetes.io/bootstrapping';

/** The permissions that bindings give to a ServiceAccount by its name, as the cluster has them now. */
export async function grantsOf(
  client: KubeClient,
  account: { namespace: string; name: string },
): Promise<Grants> {
  const grants: Grants = { permissions: [], clusterRoles: [] };
  for (const resource of bindingKinds) {
    const { items } = await client.list<Binding>(resource);
    for (const binding of items.filter((each) => isFor(each, account))) {
      await addRole(client, binding, grants);
    }
  }
  return grants;
}

function isFor(
  binding: Binding,
  { namespace, name }: { namespace: string; name: string },
): boolean {
  return (binding.subjects ?? []).some(
    (subject) =>
      subject.kind === 'ServiceAccount' && subject.name === name && subject.namespace === namespace,
  );
}

async function addRole(client: KubeClient, binding: Binding, grants: Grants): Promise<void> {
  const { kind, name } = binding.roleRef;
  const { namespace } = binding.metadata;
  const key = kind === 'Role' && namespace ? { namespace, name } : { name };
  const role = await client.get<KubeObject & { rules?: Rule[] }>(kinds[kind] as ApiResource, key);
  if (role.metadata.labels?.[builtIn]) grants.clusterRoles.push(name);
  else grants.permissions.push(...(role.rules ?? []).flatMap((rule) => expand(rule, namespace)));
}

function expand(rule: Rule, namespace: string | undefined): Permission[] {
  return (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      rule.verbs.map((verb) => ({
        group,
        resource,
        verb,
        ...(rule.resourceNames && { names: rule.resourceNames }),
        ...(namespace && { namespace }),
      })),
    ),
  );
}

/** The requests that a ServiceAccount made as itself, without those that every account may make. */
export function ownRequests(
  requests: AuditedRequest[],
  account: { namespace: string; name: string },
): AuditedRequest[] {
  const user = userOf(account);
  return requests
    .filter((request) => request.user === user)
    .map((request) => (request.impersonated ? impersonation(request) : request))
    .filter(({ resource, group }) => !resource.startsWith('/') && !group.endsWith('reviews'));
}

export function userOf({ namespace, name }: { namespace: string; name: string }): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** To act as someone is a request of its own, which the audit log does not list. */
function impersonation(request: AuditedRequest): AuditedRequest {
  const [, , namespace = '', name = ''] = (request.impersonated as string).split(':');
  const code = request.message.includes('cannot impersonate') ? 403 : 200;
  return {
    ...request,
    verb: 'impersonate',
    group: '',
    resource: 'serviceaccounts',
    namespace,
    name,
    code,
  };
}

const reads = ['get', 'list', 'watch'];
const ownGroups = /(\.fluxcd\.io|^coordination\.k8s\.io)$/;

/**
 * Whether a request is part of a controller's own work, in contrast to what it applies for others. `cluster-admin` allows
 * these as well, but it is not there when controllers may only impersonate.
 */
export function isOwnWork({ group, resource, verb }: AuditedRequest): boolean {
  if (ownGroups.test(group) || (group === '' && resource === 'events')) return true;
  return (
    group === '' && reads.includes(verb) && ['configmaps', 'serviceaccounts'].includes(resource)
  );
}

/** Whether a permission is what lets a request through. An apply that creates the object needs two of them. */
export function allows(permission: Permission, request: AuditedRequest): boolean {
  const creates = request.verb === 'patch' && request.code === 201;
  return (
    permission.group === request.group &&
    permission.resource === request.resource &&
    (permission.verb === request.verb || (creates && permission.verb === 'create')) &&
    (permission.names?.includes(request.name) ?? true) &&
    (permission.namespace === undefined || permission.namespace === request.namespace)
  );
}

/** How a permission is written in messages: `patch source.toolkit.fluxcd.io/gitrepositories/status`. */
export function describePermission({ group, resource, verb }: Permission): string {
  return `${verb} ${group ? `${group}/` : ''}${resource}`;
}
