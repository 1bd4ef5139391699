type Fields = Record<string, unknown>;

/** Changes a generated spec so that the cross-field rules of its kind hold. */
export function makeConsistent(kind: string, spec: Fields): Fields {
  makeKubeConfigConsistent(spec);
  repairs[kind]?.(spec);
  return spec;
}

const repairs: Record<string, (spec: Fields) => void> = {
  ArtifactGenerator(spec) {
    if (spec['pathPattern']) return;
    for (const artifact of (spec['artifacts'] ?? []) as Fields[]) artifact['name'] = 'output';
  },
  Bucket(spec) {
    const provider = (spec['provider'] ?? 'generic') as string;
    const sts = spec['sts'] as Fields | undefined;
    if (sts && (provider === 'gcp' || provider === 'azure')) delete spec['sts'];
    else if (sts) makeStsConsistent(sts, provider);
    if (provider === 'generic') delete spec['serviceAccountName'];
    if ('serviceAccountName' in spec) delete spec['secretRef'];
  },
  GitRepository(spec) {
    if ('serviceAccountName' in spec && spec['provider'] !== 'azure') spec['provider'] = 'aws';
  },
  HelmChart(spec) {
    if ('verify' in spec) (spec['sourceRef'] as Fields)['kind'] = 'HelmRepository';
  },
  HelmRelease(spec) {
    if ('chart' in spec) delete spec['chartRef'];
    else spec['chartRef'] ??= { kind: 'HelmChart', name: 'chart' };
    for (const entry of (spec['valuesFrom'] ?? []) as Fields[]) makeValuesFromConsistent(entry);
    for (const action of ['install', 'upgrade']) {
      const strategy = (spec[action] as Fields | undefined)?.['strategy'] as Fields | undefined;
      if (strategy && 'retryInterval' in strategy) strategy['name'] = 'RetryOnFailure';
    }
  },
  Provider(spec) {
    if ('commitStatusExpr' in spec) spec['type'] = 'gitea';
  },
  Receiver(spec) {
    if (spec['type'] === 'generic-oidc') {
      delete spec['secretRef'];
      const providers = (spec['oidcProviders'] ?? []) as unknown[];
      if (providers.length === 0) spec['oidcProviders'] = [oidcProvider];
    } else {
      delete spec['oidcProviders'];
      spec['secretRef'] ??= { name: 'token' };
    }
  },
};

const oidcProvider = {
  issuerURL: 'https://issuer.example',
  validations: [{ expression: 'true', message: 'never' }],
};

function makeStsConsistent(sts: Fields, provider: string): void {
  sts['provider'] = provider === 'aws' ? 'aws' : 'ldap';
  if (provider !== 'aws') return;
  delete sts['secretRef'];
  delete sts['certSecretRef'];
}

function makeValuesFromConsistent(entry: Fields): void {
  const isSource = entry['kind'] !== 'Secret' && entry['kind'] !== 'ConfigMap';
  for (const field of isSource ? ['valuesKey', 'targetPath', 'literal'] : ['path', 'namespace']) {
    delete entry[field];
  }
  if (isSource) entry['path'] ??= 'values.yaml';
}

function makeKubeConfigConsistent(spec: Fields): void {
  const kubeConfig = spec['kubeConfig'] as Fields | undefined;
  if (!kubeConfig) return;
  if ('secretRef' in kubeConfig) delete kubeConfig['configMapRef'];
  else kubeConfig['configMapRef'] ??= { name: 'cluster' };
}
