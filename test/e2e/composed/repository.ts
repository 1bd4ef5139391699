/** Where what the repository names is served. */
export interface Addresses {
  /** Of the chart repository. */
  charts: string;
  /** Of the registry, without a path, such as `127.0.0.1:5000`. */
  registry: string;
}

/** The namespace in which the controllers are told what to do. */
export const namespace = 'flux-system';

/** A chart of a definition, and of a controller that would serve it. */
export const infrastructureChart = {
  name: 'certificates',
  version: '1.2.0',
  files: {
    'crds/issuer.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: issuers.certificates.example.com
spec:
  group: certificates.example.com
  scope: Cluster
  names: { kind: Issuer, listKind: IssuerList, plural: issuers, singular: issuer }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                server: { type: string }
`,
    'templates/controller.yaml': workload('certificates', '1'),
  },
};

/** A version of the chart of the application. */
export const applicationChart = (version: string) => ({
  name: 'web',
  version,
  files: {
    'values.yaml': 'hostname: web.local\nreplicas: 1\n',
    'templates/web.yaml': workload('web', '{{ .Values.replicas }}'),
    'templates/settings.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  hostname: {{ .Values.hostname }}
  version: {{ .Chart.Version }}
`,
  },
});

function workload(name: string, replicas: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: main
          image: ${name}:1
`;
}

/**
 * The files of a repository for two clusters that is split by an ArtifactGenerator: applications with an overlay for each
 * cluster, infrastructure for all, and the objects that say which is applied where.
 */
export function repositoryFiles(addresses: Addresses): Record<string, string> {
  return {
    '.sourceignore': '/*\n!/apps/\n!/clusters/\n!/infrastructure/\n',
    'README.md': 'Not applied.\n',
    ...applications(addresses),
    ...infrastructure(addresses),
    ...cluster('staging', 'https://ca.example.com/staging'),
    ...cluster('production', 'https://ca.example.com/production'),
  };
}

function applications({ charts }: Addresses): Record<string, string> {
  return {
    'apps/base/web/kustomization.yaml':
      'namespace: web\nresources: [namespace.yaml, repository.yaml, release.yaml]\n',
    'apps/base/web/namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: web }\n',
    'apps/base/web/repository.yaml': `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: { name: web }
spec: { interval: 5m, url: ${charts} }
`,
    'apps/base/web/release.yaml': `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: web }
spec:
  interval: 50m
  releaseName: web
  chart:
    spec:
      chart: web
      sourceRef: { kind: HelmRepository, name: web }
  install: { strategy: { name: RetryOnFailure } }
  upgrade: { strategy: { name: RetryOnFailure } }
  values: { hostname: web.base }
`,
    ...overlay('staging', '>=1.0.0-alpha', 'web.staging'),
    ...overlay('production', '>=1.0.0', 'web.production'),
  };
}

/** How an application differs in a cluster. */
export function valuesOf(range: string, hostname: string): string {
  return `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: web, namespace: web }
spec:
  chart: { spec: { version: "${range}" } }
  values: { hostname: ${hostname} }
`;
}

function overlay(name: string, range: string, hostname: string): Record<string, string> {
  return {
    [`apps/${name}/kustomization.yaml`]:
      'resources: [../base/web]\npatches:\n  - path: web-values.yaml\n    target: { kind: HelmRelease }\n',
    [`apps/${name}/web-values.yaml`]: valuesOf(range, hostname),
  };
}

function infrastructure({ registry }: Addresses): Record<string, string> {
  return {
    'infrastructure/controllers/kustomization.yaml': 'resources: [certificates.yaml]\n',
    'infrastructure/controllers/certificates.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: certificates }
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: { name: certificates, namespace: certificates }
spec:
  interval: 24h
  insecure: true
  url: oci://${registry}/charts/certificates
  layerSelector:
    mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip
    operation: copy
  ref: { semver: 1.x }
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: certificates, namespace: certificates }
spec:
  interval: 12h
  chartRef: { kind: OCIRepository, name: certificates }
`,
    'infrastructure/configs/kustomization.yaml': 'resources: [issuer.yaml]\n',
    'infrastructure/configs/issuer.yaml': `apiVersion: certificates.example.com/v1
kind: Issuer
metadata: { name: public }
spec: { server: https://ca.example.com/default }
`,
  };
}

function kustomization(name: string, fields: string): string {
  return `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  interval: 1h
  retryInterval: 2s
  timeout: 5m
  prune: true
${fields}`;
}

function cluster(name: string, server: string): Record<string, string> {
  return {
    [`clusters/${name}/artifacts.yaml`]: `apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: { name: flux-system, namespace: ${namespace} }
spec:
  sources:
    - { alias: monorepo, kind: GitRepository, name: flux-system }
  artifacts:
    - name: infrastructure
      originRevision: "@monorepo"
      copy:
        - { from: "@monorepo/infrastructure/**", to: "@artifact/" }
    - name: apps
      originRevision: "@monorepo"
      copy:
        - { from: "@monorepo/apps/base/**", to: "@artifact/base/" }
        - { from: "@monorepo/apps/${name}/**", to: "@artifact/${name}/" }
`,
    [`clusters/${name}/infrastructure.yaml`]: [
      kustomization(
        'infra-controllers',
        '  wait: true\n  sourceRef: { kind: ExternalArtifact, name: infrastructure }\n  path: ./controllers\n',
      ),
      kustomization(
        'infra-configs',
        `  dependsOn: [{ name: infra-controllers }]
  sourceRef: { kind: ExternalArtifact, name: infrastructure }
  path: ./configs
  patches:
    - target: { kind: Issuer, name: public }
      patch: |
        - op: replace
          path: /spec/server
          value: ${server}
`,
      ),
    ].join('---\n'),
    [`clusters/${name}/apps.yaml`]: kustomization(
      'apps',
      `  wait: true\n  dependsOn: [{ name: infra-configs }]\n  sourceRef: { kind: ExternalArtifact, name: apps }\n  path: ./${name}\n`,
    ),
  };
}
