import type { KindDefinition, KubeObject } from '@sluice/shared/api';

/** Names a kind; the core group is the empty string. */
export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** A kind together with what is needed to form its request paths. */
export interface ApiResource extends GroupVersionKind {
  plural: string;
  namespaced: boolean;
  verbs?: string[];
}

/** Names an object of a known kind; cluster-scoped objects have no namespace. */
export interface ObjectKey {
  namespace?: string;
  name: string;
}

/** Returns the resource of one of our own kinds. */
export function resourceOf(kind: KindDefinition): ApiResource {
  const { group, version, plural, namespaced } = kind;
  return { group, version, kind: kind.kind, plural, namespaced };
}

/** Returns `<namespace>/<name>`, or `<name>` of an object without a namespace. */
export function keyOf(o: KubeObject | ObjectKey): string {
  const { namespace, name } = 'metadata' in o ? o.metadata : o;
  return namespace ? `${namespace}/${name}` : name;
}

/** Reads what {@link keyOf} wrote. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  if (slash < 0) return { name: key };
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Returns the kind of an object, of which only `apiVersion` and `kind` are read. */
export function gvkOf(o: { apiVersion: string; kind: string }): GroupVersionKind {
  const slash = o.apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : o.apiVersion.slice(0, slash),
    version: o.apiVersion.slice(slash + 1),
    kind: o.kind,
  };
}

/** Returns the `apiVersion` field of a kind's objects: `<group>/<version>`, or `<version>` of the core group. */
export function apiVersionString(gv: { group: string; version: string }): string {
  return gv.group === '' ? gv.version : `${gv.group}/${gv.version}`;
}

function core(kind: string, plural: string, namespaced = true): ApiResource {
  return { group: '', version: 'v1', kind, plural, namespaced };
}

/** The built-in kinds that the controllers use by name. */
export const coreResources = {
  configMaps: core('ConfigMap', 'configmaps'),
  events: core('Event', 'events'),
  namespaces: core('Namespace', 'namespaces', false),
  nodes: core('Node', 'nodes', false),
  persistentVolumeClaims: core('PersistentVolumeClaim', 'persistentvolumeclaims'),
  pods: core('Pod', 'pods'),
  secrets: core('Secret', 'secrets'),
  serviceAccounts: core('ServiceAccount', 'serviceaccounts'),
  services: core('Service', 'services'),
  deployments: {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    plural: 'deployments',
    namespaced: true,
  },
  customResourceDefinitions: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
  leases: {
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
  },
  roleBindings: {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'RoleBinding',
    plural: 'rolebindings',
    namespaced: true,
  },
  clusterRoleBindings: {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
  },
} as const satisfies Record<string, ApiResource>;
