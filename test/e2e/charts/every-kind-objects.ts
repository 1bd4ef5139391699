import type { KubeObject } from '@sluice/shared/api';
import { coreV1 } from '../objects.ts';
import type { ChartWorld } from './world.ts';

export const namespace = 'every-kind';
export const labels = { team: 'every' };
export const at = (name: string) => ({ namespace, name });
const fromFlux = { finalizers: ['finalizers.fluxcd.io'] };
const source = { apiVersion: 'source.toolkit.fluxcd.io/v1' };
const notification = { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3' };

export const configMap = (name: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  namespace: ${namespace}
data:
  from: \${NAME}
  secret: \${PASSWORD}
`;

/** Kinds that a Receiver and an Alert can name, with their groups. */
const namedKinds = {
  'source.toolkit.fluxcd.io/v1': [
    'GitRepository',
    'OCIRepository',
    'HelmRepository',
    'HelmChart',
    'Bucket',
    'ExternalArtifact',
  ],
  'kustomize.toolkit.fluxcd.io/v1': ['Kustomization'],
  'helm.toolkit.fluxcd.io/v2': ['HelmRelease'],
};

/** Accounts, Secrets and ConfigMaps that the objects below refer to. */
export function referred(): KubeObject[] {
  const secret = (name: string, stringData: Record<string, string>) => ({
    ...coreV1('Secret'),
    metadata: at(name),
    stringData,
  });
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: at('deployer'),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
    subjects: [{ kind: 'ServiceAccount', ...at('deployer') }],
  };
  return [
    { ...coreV1('Namespace'), metadata: { name: namespace } },
    { ...coreV1('ServiceAccount'), metadata: at('deployer') },
    binding,
    secret('login', { username: 'reader', password: 'unused' }),
    secret('vars', { PASSWORD: 'unimportant' }),
    secret('receiver', { token: 'every-kind' }),
    { ...coreV1('ConfigMap'), metadata: at('vars'), data: { NAME: 'every-kind' } },
    { ...coreV1('ConfigMap'), metadata: at('values'), data: { 'values.yaml': 'NAME: values' } },
  ] as KubeObject[];
}

export function sources(world: ChartWorld): KubeObject[] {
  const interval = '10m';
  const registry = `oci://${world.reach(world.registry.host)}/app`;
  return [
    {
      ...source,
      kind: 'GitRepository',
      spec: {
        interval,
        url: world.reach(world.git.url('shop')),
        ref: { branch: 'main' },
        secretRef: { name: 'login' },
      },
    },
    {
      ...source,
      kind: 'OCIRepository',
      spec: { interval, url: registry, insecure: true, serviceAccountName: 'deployer' },
    },
    {
      ...source,
      kind: 'HelmRepository',
      spec: { interval, url: world.reach(world.helmServer.url), secretRef: { name: 'login' } },
    },
    {
      ...source,
      kind: 'HelmChart',
      spec: { interval, chart: 'app', sourceRef: { kind: 'HelmRepository', name: 'app' } },
    },
    {
      ...source,
      kind: 'Bucket',
      spec: { interval, bucketName: 'app', endpoint: 'minio.example.com' },
    },
  ].map((object) => ({
    ...object,
    // The finalizer that Flux has left must not keep it.
    metadata: { ...at('app'), labels, ...(object.kind === 'Bucket' && fromFlux) },
  })) as unknown as KubeObject[];
}

/** An ExternalArtifact without a status, which a third party has to write. */
export const externalArtifact = {
  ...source,
  kind: 'ExternalArtifact',
  metadata: { ...at('app'), labels },
  spec: {},
} as KubeObject;

const common = { interval: '10m', timeout: '30s' };
const retry = { retryInterval: '1s' };

const kustomization = (name: string, kind: string, spec: object = {}) => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { ...at(name), labels },
  spec: {
    ...common,
    ...retry,
    prune: true,
    wait: true,
    path: './',
    serviceAccountName: 'deployer',
    sourceRef: { kind, name: 'app' },
    postBuild: {
      substituteFrom: [
        { kind: 'ConfigMap', name: 'vars' },
        { kind: 'Secret', name: 'vars' },
      ],
    },
    ...spec,
  },
});

export function appliers(): KubeObject[] {
  const release = {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { ...at('release'), labels },
    spec: {
      ...common,
      dependsOn: [{ kind: 'Kustomization', name: 'app' }],
      serviceAccountName: 'deployer',
      chart: { spec: { chart: 'app', sourceRef: { kind: 'HelmRepository', name: 'app' } } },
      values: { PASSWORD: 'unimportant' },
      valuesFrom: [{ kind: 'ConfigMap', name: 'values' }],
    },
  };
  return [
    kustomization('app', 'OCIRepository'),
    kustomization('external', 'ExternalArtifact', {
      dependsOn: [{ name: 'app' }, { kind: 'HelmRelease', name: 'release' }],
      targetNamespace: namespace,
      nameSuffix: '-external',
    }),
    release,
  ] as unknown as KubeObject[];
}

/** Objects whose source does not exist, which is looked up and not just taken from the watch. */
export function lost(): KubeObject[] {
  const kinds = ['GitRepository', 'OCIRepository', 'Bucket', 'ExternalArtifact'];
  const kustomizations = kinds.map((kind) => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: at(`lost-${kind.toLowerCase()}`),
    spec: { ...common, ...retry, prune: true, sourceRef: { kind, name: 'lost' } },
  }));
  const charts = ['OCIRepository', 'ExternalArtifact', 'HelmChart'].map((kind) => ({
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: at(`lost-${kind.toLowerCase()}`),
    spec: { ...common, chartRef: { kind, name: 'lost' } },
  }));
  const values = ['GitRepository', 'Bucket'].map((kind) => ({
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: at(`lost-values-${kind.toLowerCase()}`),
    spec: {
      ...common,
      chartRef: { kind: 'HelmChart', name: 'app' },
      valuesFrom: [{ kind, name: 'lost', path: 'values.yaml' }],
    },
  }));
  return [...kustomizations, ...charts, ...values] as unknown as KubeObject[];
}

/** One object for each controller that applies or fetches which fails again and again in the same way. */
export function broken(world: ChartWorld): KubeObject[] {
  return [
    {
      ...source,
      kind: 'GitRepository',
      metadata: at('broken'),
      spec: { ...common, url: world.reach(world.git.url('shop')), ref: { branch: 'none' } },
    },
    kustomization('broken', 'OCIRepository', { path: './none' }),
    {
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { ...at('broken'), labels },
      spec: {
        ...common,
        chartRef: { kind: 'HelmChart', name: 'app' },
        valuesFrom: [{ kind: 'Secret', name: 'none' }],
      },
    },
  ] as unknown as KubeObject[];
}

export function alerting(world: ChartWorld): KubeObject[] {
  const resources = Object.entries(namedKinds).flatMap(([apiVersion, kinds]) =>
    kinds.map((kind) => ({ apiVersion, kind, name: '*', matchLabels: labels })),
  );
  const eventSources = resources.map(({ apiVersion: _, ...matching }) => matching);
  return [
    {
      ...notification,
      kind: 'Provider',
      metadata: { ...at('refusing'), ...fromFlux },
      spec: { type: 'generic', address: `${world.reach(world.slack.url)}/refuse` },
    },
    {
      ...notification,
      kind: 'Alert',
      metadata: { ...at('refused'), ...fromFlux },
      spec: { providerRef: { name: 'refusing' }, eventSources },
    },
    {
      apiVersion: 'notification.toolkit.fluxcd.io/v1',
      kind: 'Receiver',
      metadata: at('all'),
      spec: { type: 'generic', secretRef: { name: 'receiver' }, resources },
    },
  ] as unknown as KubeObject[];
}
