import type { KubeObject } from '@sluice/shared/api';
import { app, type Fields, object, type UpgradeCase } from './client-side-objects.ts';

/** Returns a Deployment of no replicas with the fields of a pod and of the spec. */
function deployment(pod: Fields, spec: Fields = {}, metadata: Fields = {}): KubeObject {
  return object('apps/v1', 'Deployment', {
    metadata,
    spec: {
      replicas: 0,
      selector: { matchLabels: app },
      ...spec,
      template: {
        metadata: { labels: app },
        spec: { containers: [{ name: 'a', image: 'a:1' }], ...pod },
      },
    },
  });
}

const containers = (...list: Fields[]) => ({ containers: list });
const one = (fields: Fields) => containers({ name: 'a', image: 'a:1', ...fields });
const a = { name: 'a', image: 'a:1' };
const b = { name: 'b', image: 'b:1' };
const c = { name: 'c', image: 'c:1' };

/** Returns a patch of the pod of a Deployment. */
const podEdit = (spec: Fields) => ({ spec: { template: { spec } } });

const containerCases: UpgradeCase[] = [
  {
    name: 'nothing, of which others changed nothing',
    from: deployment(containers(a, b)),
    to: deployment(containers(a, b)),
  },
  {
    name: 'the image of one container',
    from: deployment(containers(a, b)),
    to: deployment(containers(a, { ...b, image: 'b:2' })),
  },
  {
    name: 'a removed container',
    from: deployment(containers(a, b)),
    to: deployment(containers(b)),
  },
  {
    name: 'a container beside one that was injected',
    from: deployment(containers(a, b)),
    to: deployment(containers({ ...a, image: 'a:2' })),
    edit: podEdit(containers({ name: 'injected', image: 'i:1' })),
    strategic: true,
  },
  {
    name: 'nothing beside a container that was injected',
    from: deployment(containers(a)),
    to: deployment(containers(a)),
    edit: podEdit(containers({ name: 'injected', image: 'i:1' })),
    strategic: true,
  },
  {
    name: 'the order of containers',
    from: deployment(containers(a, b, c)),
    to: deployment(containers(c, a, b)),
  },
  {
    name: 'a container in the middle, others reordered by somebody',
    from: deployment(containers(a, c)),
    to: deployment(containers(a, b, c)),
    edit: podEdit({ '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] }),
    strategic: true,
  },
  {
    name: 'init containers that are all gone',
    from: deployment({ initContainers: [b, c] }),
    to: deployment({}),
  },
  {
    name: 'init containers that become an empty list',
    from: deployment({ initContainers: [b, c] }),
    to: deployment({ initContainers: [] }),
  },
  {
    name: 'variables that change, go and come, beside one of somebody else',
    from: deployment(
      one({
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      }),
    ),
    to: deployment(
      one({
        env: [
          { name: 'C', value: '3' },
          { name: 'A', value: '9' },
        ],
      }),
    ),
    edit: podEdit(containers({ name: 'a', env: [{ name: 'X', value: 'x' }] })),
    strategic: true,
  },
  {
    name: 'a variable that gets its value from elsewhere',
    from: deployment(one({ env: [{ name: 'A', value: '1' }] })),
    to: deployment(
      one({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    ),
  },
  {
    name: 'container ports',
    from: deployment(one({ ports: [{ containerPort: 80 }, { containerPort: 81, name: 'x' }] })),
    to: deployment(one({ ports: [{ containerPort: 82 }, { containerPort: 81, name: 'y' }] })),
  },
  {
    name: 'arguments, which others changed too',
    from: deployment(one({ args: ['x', 'y'] })),
    to: deployment(one({ args: ['x', 'z'] })),
    edit: podEdit(containers({ name: 'a', args: ['w'] })),
    strategic: true,
  },
  {
    name: 'requests and limits',
    from: deployment(one({ resources: { limits: { cpu: 1, memory: '1Gi' } } })),
    to: deployment(one({ resources: { limits: { cpu: '1' }, requests: { cpu: '100m' } } })),
  },
];

const podCases: UpgradeCase[] = [
  {
    name: 'the type of a volume',
    from: deployment({
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'w', emptyDir: {} },
      ],
    }),
    to: deployment({ volumes: [{ name: 'v', configMap: { name: 'x' } }] }),
  },
  {
    name: 'the mode of a volume that others made another type',
    from: deployment({ volumes: [{ name: 'v', secret: { secretName: 'x' } }] }),
    to: deployment({ volumes: [{ name: 'v', secret: { secretName: 'x', defaultMode: 256 } }] }),
    edit: podEdit({ volumes: [{ name: 'v', $retainKeys: ['name', 'emptyDir'], emptyDir: {} }] }),
    strategic: true,
  },
  {
    name: 'where a volume is mounted',
    from: deployment({
      volumes: [{ name: 'v', emptyDir: {} }],
      ...one({ volumeMounts: [{ name: 'v', mountPath: '/a' }] }),
    }),
    to: deployment({
      volumes: [{ name: 'v', emptyDir: {} }],
      ...one({ volumeMounts: [{ name: 'v', mountPath: '/b', readOnly: true }] }),
    }),
  },
  {
    name: 'tolerations and the node selector',
    from: deployment({ tolerations: [{ key: 'a' }], nodeSelector: { a: '1', b: '1' } }),
    to: deployment({ tolerations: [{ key: 'b' }], nodeSelector: { a: '2' } }),
    edit: podEdit({ tolerations: [{ key: 'c' }], nodeSelector: { x: '1' } }),
  },
  {
    name: 'pull secrets',
    from: deployment({ imagePullSecrets: [{ name: 'a' }, { name: 'b' }] }),
    to: deployment({ imagePullSecrets: [{ name: 'b' }, { name: 'c' }] }),
  },
];

const deploymentCases: UpgradeCase[] = [
  {
    name: 'a rolling update that becomes a recreation',
    from: deployment({}, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }),
    to: deployment({}, { strategy: { type: 'Recreate' } }),
  },
  {
    name: 'a default strategy that becomes a recreation',
    from: deployment({}),
    to: deployment({}, { strategy: { type: 'Recreate' } }),
  },
  {
    name: 'a rolling update without its numbers',
    from: deployment({}, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3 } } }),
    to: deployment({}, { strategy: { type: 'RollingUpdate' } }),
  },
  {
    name: 'a field that goes back to its default',
    from: deployment({}, { revisionHistoryLimit: 3 }),
    to: deployment({}),
  },
  {
    name: 'a field that others changed',
    from: deployment({}, { revisionHistoryLimit: 3, minReadySeconds: 1 }),
    to: deployment({}, { revisionHistoryLimit: 3, minReadySeconds: null }),
    edit: { spec: { revisionHistoryLimit: 5, minReadySeconds: 7, progressDeadlineSeconds: 99 } },
  },
  {
    name: 'labels and annotations',
    from: deployment({}, {}, { labels: { a: '1', b: '1' }, annotations: { a: '1' } }),
    to: deployment({}, {}, { labels: { a: '2' } }),
    edit: { metadata: { labels: { b: '5', x: '1' }, annotations: { x: '1' } } },
  },
];

/** Upgrades of Deployments. */
export const workloadCases: UpgradeCase[] = [...containerCases, ...podCases, ...deploymentCases];
