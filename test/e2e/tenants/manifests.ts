import type { KubeObject } from '@sluice/shared/api';
import { coreV1, deploymentYaml } from '../objects.ts';

/** The tenant of the tests, and the one whose things it must not touch. */
export const tenant = 'team-a';
export const neighbour = 'team-b';

const rbac = 'rbac.authorization.k8s.io';

/** Namespaces of two tenants, each with an account that may do everything in it, and one of the platform team. */
export function onboarding(platformNamespace: string): KubeObject[] {
  const account = (namespace: string, name: string) => ({
    ...coreV1('ServiceAccount'),
    metadata: { namespace, name },
  });
  const grant = (kind: string, role: string, namespace: string, name: string) => ({
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { name: `${name}-deploys`, ...(kind === 'RoleBinding' && { namespace }) },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
  });
  const tenants = [tenant, neighbour].flatMap((namespace) => [
    { ...coreV1('Namespace'), metadata: { name: namespace } },
    account(namespace, 'deployer'),
    grant('RoleBinding', 'admin', namespace, 'deployer'),
  ]);
  return [
    ...tenants,
    account(platformNamespace, 'platform'),
    grant('ClusterRoleBinding', 'cluster-admin', platformNamespace, 'platform'),
    {
      ...coreV1('Secret'),
      metadata: { namespace: neighbour, name: 'database' },
      stringData: { PASSWORD: 'of the neighbour' },
    },
  ] as KubeObject[];
}

const clusterRole = `apiVersion: ${rbac}/v1
kind: ClusterRole
metadata:
  name: tenant-reads-all
rules:
  - apiGroups: ['']
    resources: [secrets]
    verbs: [get]
`;

const deployment = deploymentYaml({ name: 'web', image: 'web:1.0.0' });

const settings = (namespace: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: ${namespace}
data:
  password: "\${PASSWORD}"
`;

const chart = (name: string, template: string) => ({
  [`charts/${name}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`,
  [`charts/${name}/templates/all.yaml`]: template,
});

/** What the tenant has in Git. */
export const repository: Record<string, string> = {
  'app/web.yaml': deployment,
  'app/settings.yaml': settings(tenant).replace('${PASSWORD}', 'none'),
  'cluster-role/role.yaml': clusterRole,
  'with-secret/settings.yaml': settings(tenant),
  'elsewhere/settings.yaml': settings(neighbour).replace('${PASSWORD}', 'none'),
  'remote/kustomization.yaml': 'resources: [https://git.example.com/team/base]\n',
  ...chart('app', deployment.replace('name: web', 'name: web-release')),
  ...chart('cluster-role', clusterRole),
};

/** A GitRepository of a tenant. */
export function repositoryOf(namespace: string, url: string): KubeObject {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { namespace, name: 'apps' },
    spec: { interval: '10m', url, ref: { branch: 'main' } },
  } as KubeObject;
}

/** A Kustomization of the tenant, applied as its account unless told otherwise. */
export function kustomization(name: string, path: string, spec: object = {}): KubeObject {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { namespace: tenant, name },
    spec: {
      interval: '10m',
      timeout: '30s',
      prune: true,
      wait: true,
      targetNamespace: path === './app' ? tenant : undefined,
      path,
      serviceAccountName: 'deployer',
      sourceRef: { kind: 'GitRepository', name: 'apps' },
      ...spec,
    },
  } as unknown as KubeObject;
}

/** A HelmRelease of the tenant, released as its account unless told otherwise. */
export function helmRelease(
  name: string,
  chartName: string,
  spec: object = {},
  sourceNamespace?: string,
): KubeObject {
  const sourceRef = { kind: 'GitRepository', name: 'apps', namespace: sourceNamespace };
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { namespace: tenant, name },
    spec: {
      interval: '10m',
      timeout: '30s',
      serviceAccountName: 'deployer',
      driftDetection: { mode: 'enabled' },
      chart: { spec: { chart: `./charts/${chartName}`, sourceRef } },
      ...spec,
    },
  } as unknown as KubeObject;
}
