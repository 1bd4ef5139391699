import type { KubeObject } from '@sluice/shared/api';
import type { ControllerName } from '@sluice/testing';

/** What `flux install` applies for one controller, as far as it concerns the process. */
interface FluxController {
  args: string[];
  ports: Record<string, number>;
  volumes: string[];
  readiness: { port: string; path: string };
  service?: { name: string; targetPort: string }[];
}

const common = ['--watch-all-namespaces=true', '--log-level=info', '--log-encoding=json'];
const events =
  '--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./';
const health = { port: 'healthz', path: '/readyz' };
const monitoring = { 'http-prom': 8080, healthz: 9440 };

/**
 * The arguments and ports of Flux 2.9, word for word.
 *
 * @see https://github.com/fluxcd/flux2/tree/v2.9.4/manifests/bases
 * @see https://github.com/fluxcd/flux2/blob/v2.9.4/pkg/manifestgen/install/templates.go
 */
export const fluxControllers: Record<ControllerName, FluxController> = {
  'source-controller': {
    args: [
      events,
      ...common,
      '--enable-leader-election',
      '--storage-path=/data',
      '--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.',
    ],
    ports: { http: 9090, ...monitoring },
    volumes: ['data', 'tmp'],
    readiness: { port: 'http', path: '/' },
    service: [{ name: 'source-controller', targetPort: 'http' }],
  },
  'kustomize-controller': {
    args: [events, ...common, '--enable-leader-election'],
    ports: monitoring,
    volumes: ['tmp'],
    readiness: health,
  },
  'helm-controller': {
    args: [events, ...common, '--enable-leader-election'],
    ports: monitoring,
    volumes: ['tmp'],
    readiness: health,
  },
  'notification-controller': {
    args: [...common, '--enable-leader-election'],
    ports: { http: 9090, 'http-webhook': 9292, ...monitoring },
    volumes: ['tmp'],
    readiness: health,
    service: [
      { name: 'notification-controller', targetPort: 'http' },
      { name: 'webhook-receiver', targetPort: 'http-webhook' },
    ],
  },
};

/** The objects of one controller in a namespace, with the image of that reference. */
export function fluxObjects(name: ControllerName, namespace: string, image: string): KubeObject[] {
  const { service = [] } = fluxControllers[name];
  const account = { kind: 'ServiceAccount', name, namespace };
  const admin = {
    apiGroup: 'rbac.authorization.k8s.io',
    kind: 'ClusterRole',
    name: 'cluster-admin',
  };
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `flux-${name}` },
      roleRef: admin,
      subjects: [account],
    },
    ...service.map((each) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: each.name, namespace },
      spec: {
        selector: { app: name },
        ports: [{ name: 'http', port: 80, targetPort: each.targetPort }],
      },
    })),
    fluxDeployment(name, namespace, image),
  ];
  return objects as KubeObject[];
}

function fluxDeployment(name: ControllerName, namespace: string, image: string) {
  const { args, ports, volumes, readiness } = fluxControllers[name];
  const container = {
    name: 'manager',
    image,
    args,
    env: [
      { name: 'RUNTIME_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ],
    ports: Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort })),
    livenessProbe: { httpGet: { port: 'healthz', path: '/healthz' } },
    readinessProbe: { httpGet: readiness },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: volumes.map((volume) => ({ name: volume, mountPath: `/${volume}` })),
  };
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          terminationGracePeriodSeconds: 10,
          securityContext: { fsGroup: 1337 },
          containers: [container],
          volumes: volumes.map((volume) => ({ name: volume, emptyDir: {} })),
        },
      },
    },
  };
}
