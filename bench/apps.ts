import type { KubeObject } from '@sluice/shared/api';
import { dump } from 'js-yaml';

/** One application as the benchmarks deploy it: ServiceAccount, Service, Deployment of 0 replicas, Ingress. */
export function appObjects(name: string, version: string, namespace?: string): KubeObject[] {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            serviceAccountName: name,
            containers: [
              {
                name: 'app',
                image: `registry.example.com/app:${version}`,
                ports: [{ name: 'http', containerPort: 8080 }],
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata,
      spec: {
        rules: [
          {
            host: `${name}.example.com`,
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name, port: { name: 'http' } } },
                },
              ],
            },
          },
        ],
      },
    },
  ] as KubeObject[];
}

/**
 * The same as files, with variables that the Kustomization substitutes.
 *
 * @param name of the application, so that no two have the same files, as real ones
 */
export function appFiles(name: string, version: string): Record<string, string> {
  const documents = appObjects('${app}', version).map((object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { 'example.com/team': `team-of-${name}` } },
  }));
  return {
    'kustomization.yaml': dump({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: ['app.yaml'],
    }),
    'app.yaml': toYaml(documents),
  };
}

/** A Kustomization that deploys one application through a tenant's ServiceAccount. */
export function appKustomization(o: {
  name: string;
  namespace: string;
  sourceKind: string;
  sourceName: string;
  path: string;
}): KubeObject {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: o.name, namespace: o.namespace },
    spec: {
      interval: '1h',
      timeout: '5m',
      prune: true,
      wait: true,
      serviceAccountName: 'reconciler',
      targetNamespace: o.namespace,
      path: o.path,
      sourceRef: { kind: o.sourceKind, name: o.sourceName },
      postBuild: { substitute: { app: o.name } },
    },
  } as KubeObject;
}

/** A namespace with a ServiceAccount that may do everything in it. */
export function tenant(namespace: string): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reconciler', namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'reconciler', namespace },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects: [{ kind: 'ServiceAccount', name: 'reconciler', namespace }],
    },
  ] as KubeObject[];
}

/** Writes objects as a stream of YAML documents. */
export function toYaml(objects: object[]): string {
  return objects.map((object) => dump(object)).join('---\n');
}

/** A chart that deploys the same; its value `host` is the host of the Ingress. */
export function chartFiles(version: string): Record<string, string> {
  const name = '{{ .Release.Name }}';
  const objects = appObjects('app', version).map((object) => [
    `templates/${object.kind.toLowerCase()}.yaml`,
    dump({ ...object, metadata: { name: 'NAME', labels: { 'helm.sh/chart': `web-${version}` } } })
      .replaceAll('app.example.com', '{{ .Values.host }}')
      .replaceAll(/: (NAME|app)$/gm, `: '${name}'`),
  ]);
  return {
    'Chart.yaml': dump({ apiVersion: 'v2', name: 'web', version, appVersion: version }),
    'values.yaml': dump({ host: 'example.com' }),
    ...Object.fromEntries(objects),
  };
}
