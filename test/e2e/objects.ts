import type { KubeObject } from '@sluice/shared/api';
import { hmacKey, receiverToken, slackToken, type World } from './world.ts';

const namespace = 'platform';
export const appNamespace = 'shop';
export const key = { namespace, name: 'shop' };

/** The manifest of a Deployment of one container. */
export const deploymentYaml = (o: {
  name: string;
  image: string;
  namespace?: string;
  replicas?: number;
}) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${o.name}${o.namespace ? `\n  namespace: ${o.namespace}` : ''}
spec:
  replicas: ${o.replicas ?? 1}
  selector: { matchLabels: { app: ${o.name} } }
  template:
    metadata: { labels: { app: ${o.name} } }
    spec:
      containers:
        - name: web
          image: ${o.image}
`;

/** The manifest of the application's Deployment. */
export const deployment = (image: string, replicas = 1) =>
  deploymentYaml({ name: 'web', image: `web:${image}`, namespace: appNamespace, replicas });

const settings = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: ${appNamespace}
data:
  color: blue
`;

const namespaceYaml = `apiVersion: v1
kind: Namespace
metadata:
  name: ${appNamespace}
`;

export const coreV1 = (kind: string) => ({ apiVersion: 'v1', kind });
export const appsV1 = (kind: string) => ({ apiVersion: 'apps/v1', kind });

/** The objects that exist before the first commit is noticed. */
export async function prepare(world: World): Promise<void> {
  await world.repo.commit({
    files: {
      'shop/namespace.yaml': namespaceYaml,
      'shop/deployment.yaml': deployment('1.0.0'),
      'shop/settings.yaml': settings,
    },
  });
  await world.apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
  const secrets: Record<string, Record<string, string>> = {
    slack: { address: `${world.reach(world.slack.url)}/services/${slackToken}` },
    hmac: { address: `${world.reach(world.hmac.url)}/hmac`, token: hmacKey },
    receiver: { token: receiverToken },
  };
  for (const [name, stringData] of Object.entries(secrets)) {
    await world.apply({
      ...coreV1('Secret'),
      metadata: { namespace, name },
      stringData,
    } as KubeObject);
  }
  for (const [name, spec] of Object.entries({
    slack: { type: 'slack', channel: 'alerts', secretRef: { name: 'slack' } },
    hmac: { type: 'generic-hmac', secretRef: { name: 'hmac' } },
    alertmanager: {
      type: 'alertmanager',
      address: `${world.reach(world.alertmanager.url)}/api/v2/alerts/`,
    },
  })) {
    const provider = {
      apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
      metadata: { namespace, name },
    };
    await world.apply({ ...provider, kind: 'Provider', spec } as KubeObject);
    const eventSources = [
      { kind: 'Kustomization', name: '*' },
      { kind: 'GitRepository', name: '*' },
      { kind: 'HelmRelease', name: '*' },
    ];
    await world.apply({
      ...provider,
      kind: 'Alert',
      spec: { providerRef: { name }, eventSources },
    } as KubeObject);
  }
}

export function gitRepository(world: World): KubeObject {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: key,
    spec: { interval: '10m', url: world.reach(world.git.url('shop')), ref: { branch: 'main' } },
  } as KubeObject;
}

export const kustomization = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: key,
  spec: {
    interval: '10m',
    retryInterval: '2s',
    timeout: '60s',
    prune: true,
    wait: true,
    path: './shop',
    sourceRef: { kind: 'GitRepository', name: 'shop' },
  },
} as KubeObject;

export const receiver = {
  apiVersion: 'notification.toolkit.fluxcd.io/v1',
  kind: 'Receiver',
  metadata: key,
  spec: {
    type: 'github',
    events: ['push'],
    secretRef: { name: 'receiver' },
    resources: [{ kind: 'GitRepository', name: 'shop' }],
  },
} as KubeObject;
