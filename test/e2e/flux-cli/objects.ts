import type { KubeObject } from '@sluice/shared/api';
import { deploymentYaml } from '../objects.ts';
import { type CliWorld, fluxNamespace } from './world.ts';

export const kinds = {
  git: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' },
  oci: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'OCIRepository' },
  helmRepository: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'HelmRepository' },
  helmChart: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'HelmChart' },
  kustomization: { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' },
  helmRelease: { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease' },
  receiver: { apiVersion: 'notification.toolkit.fluxcd.io/v1', kind: 'Receiver' },
  alert: { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3', kind: 'Alert' },
  provider: { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3', kind: 'Provider' },
  secret: { apiVersion: 'v1', kind: 'Secret' },
  configMap: { apiVersion: 'v1', kind: 'ConfigMap' },
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
};

const configMap = (name: string, data: string) => `apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: apps }
data: ${data}
`;

/** The manifests of the application, as they are in Git. */
export const appFiles: Record<string, string> = {
  'web.yaml': deploymentYaml({ name: 'web', image: 'web:1.0.0', namespace: 'apps' }),
  'settings.yaml': configMap('settings', `{ color: '\${color}', size: '\${size}' }`),
  'password.yaml': `apiVersion: v1
kind: Secret
metadata: { name: password, namespace: apps }
stringData: { password: from-git }
`,
  'release.yaml': `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: shop, namespace: ${fluxNamespace} }
spec:
  interval: 10m
  releaseName: shop
  targetNamespace: apps
  storageNamespace: apps
  chart: { spec: { chart: web, sourceRef: { kind: HelmRepository, name: charts } } }
  values: { greeting: hello, from: spec }
  valuesFrom: [{ kind: ConfigMap, name: values }]
`,
};

const rootFiles: Record<string, string> = {
  'clusters/namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: apps }\n',
  'clusters/apps.yaml': `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: apps, namespace: ${fluxNamespace}, labels: { team: shop } }
spec:
  interval: 10m
  retryInterval: 10m
  timeout: 1m
  prune: true
  wait: true
  path: ./apps
  sourceRef: { kind: GitRepository, name: shop }
  driftDetection: { mode: warn }
  postBuild:
    substitute: { color: green }
    substituteFrom: [{ kind: ConfigMap, name: vars }]
`,
  'bad/bad.yaml': configMap('Not_A_Name', '{}'),
};

/** What the repositories hold, and what the objects in the cluster refer to. */
export async function prepare(cli: CliWorld): Promise<void> {
  const apps = Object.entries(appFiles).map(([path, text]) => [`apps/${path}`, text]);
  await cli.repo.commit({ files: { ...rootFiles, ...Object.fromEntries(apps) } });
  await cli.charts.publish({
    name: 'web',
    version: '1.0.0',
    files: {
      'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: "2.4"\n',
      'templates/release.yaml': deploymentYaml({
        name: 'release',
        image: 'web:{{ .Chart.Version }}',
      }),
      'templates/values.yaml': `{{- if .Values.broken }}{{ fail "told to fail" }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata: { name: values }
data: { greeting: {{ .Values.greeting | quote }} }
`,
    },
  });
  for (const [name, data] of Object.entries({
    vars: { size: 'large' },
    values: { 'values.yaml': 'from: config map\nmore: 1\n' },
  })) {
    const metadata = { namespace: fluxNamespace, name };
    await cli.apply({ ...kinds.configMap, metadata, data } as KubeObject);
  }
  await cli.apply({
    ...kinds.secret,
    metadata: { namespace: fluxNamespace, name: 'token' },
    stringData: { token: 'token-of-the-receiver' },
  } as KubeObject);
}

/** The key of an object in the namespace of the flux program. */
export const inFlux = (name: string) => ({ namespace: fluxNamespace, name });
