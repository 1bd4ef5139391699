import {
  app,
  configMap,
  git,
  object,
  port,
  service,
  type UpgradeCase,
} from './client-side-objects.ts';
import { workloadCases } from './client-side-workloads.ts';

const otherCases: UpgradeCase[] = [
  {
    name: 'ports of a Service',
    from: service({ ports: [port(80), port(81), port(82)] }),
    to: service({ ports: [port(83), port(82), port(80, { targetPort: 8080 })] }),
    edit: { spec: { ports: [port(80), port(81), port(82), port(90)] } },
  },
  {
    name: 'the selector of a Service',
    from: service({ selector: { a: '1', b: '1' }, ports: [port(80)] }),
    to: service({ selector: { b: '2' }, ports: [port(80)], sessionAffinity: 'ClientIP' }),
    edit: { spec: { selector: { x: '1' } } },
  },
  {
    name: 'keys of a ConfigMap',
    from: configMap({ a: '1', b: '1', c: '1' }),
    to: configMap({ a: '2', c: '1', constructor: 'x' }),
    edit: { data: { b: 'edited', c: 'edited', x: 'added' } },
  },
  { name: 'a map that is gone', from: configMap({ a: '1' }), to: configMap(undefined) },
  {
    name: 'finalizers',
    from: configMap({}, { finalizers: ['x.io/a', 'x.io/b'] }),
    to: configMap({}, { finalizers: ['x.io/c', 'x.io/b'] }),
    edit: { metadata: { finalizers: ['x.io/a', 'x.io/b', 'x.io/other'] } },
  },
  {
    name: 'data of a Secret',
    from: object('v1', 'Secret', { data: { a: 'MQ==', b: 'MQ==' } }),
    to: object('v1', 'Secret', { data: { a: 'Mg==' } }),
    edit: { data: { x: 'MQ==' } },
  },
  {
    name: 'secrets of a ServiceAccount',
    from: object('v1', 'ServiceAccount', { secrets: [{ name: 'a' }, { name: 'b' }] }),
    to: object('v1', 'ServiceAccount', { secrets: [{ name: 'b' }] }),
    edit: { secrets: [{ name: 'a' }, { name: 'b' }, { name: 'x' }] },
  },
  {
    name: 'rules of a Role',
    from: object('rbac.authorization.k8s.io/v1', 'Role', {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
    }),
    to: object('rbac.authorization.k8s.io/v1', 'Role', {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    }),
  },
  {
    name: 'one of two exclusive fields',
    from: object('policy/v1', 'PodDisruptionBudget', {
      spec: { minAvailable: 1, selector: { matchLabels: app } },
    }),
    to: object('policy/v1', 'PodDisruptionBudget', {
      spec: { maxUnavailable: '50%', selector: { matchLabels: app } },
    }),
  },
];

const customCases: UpgradeCase[] = [
  {
    name: 'lists and maps of a custom resource',
    from: git({ ignore: 'x', ref: { branch: 'main' }, include: [{ repository: { name: 'a' } }] }),
    to: git({ ref: { tag: 'v1' }, include: [{ repository: { name: 'b' } }] }),
    edit: { metadata: { labels: { x: '1' } }, spec: { timeout: '9s' } },
  },
  {
    name: 'a custom resource that only others changed',
    from: git({ ref: { branch: 'main' } }),
    to: git({ ref: { branch: 'main' } }),
    edit: { spec: { ref: { branch: 'edited' } } },
  },
];

/** Upgrades after which the objects must be the same whoever made them. */
export const upgradeCases: UpgradeCase[] = [...workloadCases, ...otherCases, ...customCases];
