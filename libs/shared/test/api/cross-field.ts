/** A spec that breaks exactly one cross-field rule, and the nearest spec that keeps it. */
export interface CrossFieldCase {
  name: string;
  kind: string;
  broken: Record<string, unknown>;
  kept: Record<string, unknown>;
  /** Part of the message of the broken rule. */
  message: string;
}

const ref = { name: 'some-object' };
const git = { url: 'https://git.example/repository', interval: '1m' };
const bucket = { bucketName: 'bucket', endpoint: 'storage.example', interval: '1m' };
const sts = { endpoint: 'https://sts.example' };
const kustomization = {
  interval: '1m',
  prune: true,
  sourceRef: { kind: 'GitRepository', name: 'source' },
};
const release = { interval: '1m', chartRef: { kind: 'HelmChart', name: 'chart' } };
const chart = {
  spec: { chart: 'app', sourceRef: { kind: 'HelmRepository', name: 'charts' } },
};
const oidcProviders = [
  { issuerURL: 'https://issuer.example', validations: [{ expression: 'true', message: 'no' }] },
];
const resources = [{ kind: 'GitRepository', name: '*' }];
const generated = [{ alias: 'repo', kind: 'GitRepository', name: 'source' }];
const copy = [{ from: '@repo/**', to: '@artifact/' }];

export const crossFieldCases: CrossFieldCase[] = [
  {
    name: 'an artifact with a capture in its name and no pattern',
    kind: 'ArtifactGenerator',
    broken: { sources: generated, artifacts: [{ name: '{app}', copy }] },
    kept: { sources: generated, pathPattern: '@repo/{app}', artifacts: [{ name: '{app}', copy }] },
    message: 'without spec.pathPattern, spec.artifacts[].name has to be the name of an object',
  },
  {
    name: 'a service account without a cloud provider',
    kind: 'GitRepository',
    broken: { ...git, provider: 'github', serviceAccountName: 'reader' },
    kept: { ...git, provider: 'aws', serviceAccountName: 'reader' },
    message: 'spec.serviceAccountName needs spec.provider',
  },
  {
    name: 'a service account without any provider',
    kind: 'GitRepository',
    broken: { ...git, serviceAccountName: 'reader' },
    kept: { ...git, provider: 'azure', serviceAccountName: 'reader' },
    message: 'spec.serviceAccountName needs spec.provider',
  },
  {
    name: 'verification of a chart from Git',
    kind: 'HelmChart',
    broken: {
      chart: 'app',
      interval: '1m',
      sourceRef: { kind: 'GitRepository', name: 'source' },
      verify: { provider: 'cosign' },
    },
    kept: {
      chart: 'app',
      interval: '1m',
      sourceRef: { kind: 'HelmRepository', name: 'source' },
      verify: { provider: 'cosign' },
    },
    message: 'spec.verify needs spec.sourceRef.kind',
  },
  {
    name: 'a token service for a provider that has none',
    kind: 'Bucket',
    broken: { ...bucket, provider: 'gcp', sts: { ...sts, provider: 'aws' } },
    kept: { ...bucket, provider: 'aws', sts: { ...sts, provider: 'aws' } },
    message: 'spec.sts needs spec.provider',
  },
  {
    name: 'LDAP credentials for AWS',
    kind: 'Bucket',
    broken: { ...bucket, provider: 'aws', sts: { ...sts, provider: 'ldap' } },
    kept: { ...bucket, provider: 'generic', sts: { ...sts, provider: 'ldap' } },
    message: "spec.sts.provider has to be 'aws'",
  },
  {
    name: 'AWS credentials for the default provider',
    kind: 'Bucket',
    broken: { ...bucket, sts: { ...sts, provider: 'aws' } },
    kept: { ...bucket, sts: { ...sts, provider: 'ldap' } },
    message: "spec.sts.provider has to be 'ldap'",
  },
  {
    name: 'a Secret for the AWS token service',
    kind: 'Bucket',
    broken: { ...bucket, provider: 'aws', sts: { ...sts, provider: 'aws', secretRef: ref } },
    kept: { ...bucket, provider: 'generic', sts: { ...sts, provider: 'ldap', secretRef: ref } },
    message: 'spec.sts.secretRef is not used',
  },
  {
    name: 'certificates for the AWS token service',
    kind: 'Bucket',
    broken: { ...bucket, provider: 'aws', sts: { ...sts, provider: 'aws', certSecretRef: ref } },
    kept: { ...bucket, provider: 'generic', sts: { ...sts, provider: 'ldap', certSecretRef: ref } },
    message: 'spec.sts.certSecretRef is not used',
  },
  {
    name: 'a service account for the default provider',
    kind: 'Bucket',
    broken: { ...bucket, serviceAccountName: 'reader' },
    kept: { ...bucket, provider: 'gcp', serviceAccountName: 'reader' },
    message: 'spec.serviceAccountName is not supported',
  },
  {
    name: 'a service account and a Secret',
    kind: 'Bucket',
    broken: { ...bucket, provider: 'aws', serviceAccountName: 'reader', secretRef: ref },
    kept: { ...bucket, provider: 'aws', secretRef: ref },
    message: 'either spec.secretRef or spec.serviceAccountName',
  },
  ...['Kustomization', 'HelmRelease'].flatMap((kind): CrossFieldCase[] => {
    const base = kind === 'Kustomization' ? kustomization : release;
    return [
      {
        name: `a remote cluster without credentials in a ${kind}`,
        kind,
        broken: { ...base, kubeConfig: {} },
        kept: { ...base, kubeConfig: { secretRef: ref } },
        message: 'set one of spec.kubeConfig.configMapRef',
      },
      {
        name: `a remote cluster with two credentials in a ${kind}`,
        kind,
        broken: { ...base, kubeConfig: { secretRef: ref, configMapRef: ref } },
        kept: { ...base, kubeConfig: { configMapRef: ref } },
        message: 'set only one of spec.kubeConfig.configMapRef',
      },
    ];
  }),
  {
    name: 'a release without a chart',
    kind: 'HelmRelease',
    broken: { interval: '1m' },
    kept: { interval: '1m', chart },
    message: 'either spec.chart or spec.chartRef',
  },
  {
    name: 'a release with two charts',
    kind: 'HelmRelease',
    broken: { ...release, chart },
    kept: release,
    message: 'either spec.chart or spec.chartRef',
  },
  {
    name: 'values from a source without a path',
    kind: 'HelmRelease',
    broken: { ...release, valuesFrom: [{ kind: 'Bucket', name: 'values' }] },
    kept: { ...release, valuesFrom: [{ kind: 'Bucket', name: 'values', path: 'a.yaml' }] },
    message: 'spec.valuesFrom.path is required',
  },
  {
    name: 'values from a Secret with a path',
    kind: 'HelmRelease',
    broken: { ...release, valuesFrom: [{ kind: 'Secret', name: 'values', path: 'a.yaml' }] },
    kept: { ...release, valuesFrom: [{ kind: 'Secret', name: 'values', valuesKey: 'a.yaml' }] },
    message: 'spec.valuesFrom.path is required',
  },
  {
    name: 'values from a ConfigMap of another namespace',
    kind: 'HelmRelease',
    broken: { ...release, valuesFrom: [{ kind: 'ConfigMap', name: 'values', namespace: 'x' }] },
    kept: {
      ...release,
      valuesFrom: [{ kind: 'GitRepository', name: 'values', namespace: 'x', path: 'a' }],
    },
    message: 'spec.valuesFrom.namespace is only for sources',
  },
  ...[{ valuesKey: 'a' }, { targetPath: 'a' }, { literal: false }].map(
    (fields): CrossFieldCase => ({
      name: `values from a source with ${Object.keys(fields)[0]}`,
      kind: 'HelmRelease',
      broken: {
        ...release,
        valuesFrom: [{ kind: 'OCIRepository', name: 'values', path: 'a', ...fields }],
      },
      kept: { ...release, valuesFrom: [{ kind: 'Secret', name: 'values', ...fields }] },
      message: 'are only for Secrets and ConfigMaps',
    }),
  ),
  ...['install', 'upgrade'].map(
    (action): CrossFieldCase => ({
      name: `a retry interval for an ${action} that is undone`,
      kind: 'HelmRelease',
      broken: {
        ...release,
        [action]: { strategy: { name: 'RemediateOnFailure', retryInterval: '1m' } },
      },
      kept: { ...release, [action]: { strategy: { name: 'RetryOnFailure', retryInterval: '1m' } } },
      message: `spec.${action}.strategy.retryInterval needs`,
    }),
  ),
  {
    name: 'a commit status from a chat',
    kind: 'Provider',
    broken: { type: 'slack', commitStatusExpr: "'id'" },
    kept: { type: 'gitea', commitStatusExpr: "'id'" },
    message: 'spec.commitStatusExpr needs spec.type',
  },
  {
    name: 'an OIDC receiver without issuers',
    kind: 'Receiver',
    broken: { type: 'generic-oidc', resources },
    kept: { type: 'generic-oidc', resources, oidcProviders },
    message: 'spec.oidcProviders needs at least one entry',
  },
  {
    name: 'an OIDC receiver with an empty list of issuers',
    kind: 'Receiver',
    broken: { type: 'generic-oidc', resources, oidcProviders: [] },
    kept: { type: 'generic', resources, secretRef: ref, oidcProviders: [] },
    message: 'spec.oidcProviders needs at least one entry',
  },
  {
    name: 'issuers for another receiver',
    kind: 'Receiver',
    broken: { type: 'github', resources, secretRef: ref, oidcProviders },
    kept: { type: 'github', resources, secretRef: ref },
    message: 'spec.oidcProviders is only for',
  },
  {
    name: 'an OIDC receiver with a Secret',
    kind: 'Receiver',
    broken: { type: 'generic-oidc', resources, oidcProviders, secretRef: ref },
    kept: { type: 'generic-oidc', resources, oidcProviders },
    message: 'spec.secretRef is not used',
  },
  {
    name: 'another receiver without a Secret',
    kind: 'Receiver',
    broken: { type: 'generic', resources },
    kept: { type: 'generic', resources, secretRef: ref },
    message: 'spec.secretRef is required',
  },
];
