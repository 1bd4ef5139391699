import { condition } from './health-cases.ts';
import {
  type Found,
  found,
  type Kind,
  observedGeneration,
  selector,
  states,
} from './verdict-states.ts';
import { workloads } from './verdict-workloads.ts';

function services(): Found[] {
  const service: Kind = ['v1', 'Service'];
  const typed = (type: string, more: object = {}) => ({ spec: { type, ...more } });
  const clusterIP = '10.0.0.1';
  const pending = { loadBalancer: {} };
  const given = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
  const ingress: Kind = ['networking.k8s.io/v1', 'Ingress'];
  return [
    found(service, 'of the cluster', typed('ClusterIP', { clusterIP })),
    found(service, 'headless', typed('ClusterIP', { clusterIP: 'None' })),
    found(service, 'of a name', typed('ExternalName', { externalName: 'example.com' })),
    found(service, 'of the nodes', typed('NodePort', { clusterIP })),
    found(service, 'with a balancer but no address', typed('LoadBalancer')),
    found(service, 'with a balancer on its way', {
      ...typed('LoadBalancer', { clusterIP }),
      status: pending,
    }),
    found(service, 'with a balancer', { ...typed('LoadBalancer', { clusterIP }), status: given }),
    found(ingress, 'on its way', { spec: {}, status: pending }),
    found(ingress, 'with an address', { spec: {}, status: given }),
    found(['networking.k8s.io/v1', 'NetworkPolicy'], 'just created', { spec: {} }),
  ];
}

function budgets(): Found[] {
  const allowed = condition('DisruptionAllowed', 'True', 'SufficientPods');
  const refused = condition('DisruptionAllowed', 'False', 'InsufficientPods');
  const budget = {
    observedGeneration,
    disruptionsAllowed: 1,
    expectedPods: 2,
    conditions: [allowed],
  };
  const able = [condition('AbleToScale', 'True'), condition('ScalingActive', 'True')];
  const claim = { phase: 'Bound', capacity: { storage: '1Gi' } };
  return [
    ...states(['policy/v1', 'PodDisruptionBudget'], { minAvailable: 1, selector }, budget, {
      'that allows none': { disruptionsAllowed: 0, conditions: [refused] },
    }),
    ...states(
      ['autoscaling/v2', 'HorizontalPodAutoscaler'],
      {},
      { conditions: able },
      {
        'without metrics': { conditions: [condition('ScalingActive', 'False', 'FailedGetMetric')] },
      },
    ),
    ...states(['v1', 'PersistentVolumeClaim'], {}, claim, {
      pending: { phase: 'Pending' },
      lost: { phase: 'Lost' },
    }),
    ...states(['v1', 'PersistentVolume'], {}, { phase: 'Available' }, { bad: { phase: 'Failed' } }),
    ...states(['v1', 'ResourceQuota'], {}, { used: { pods: '1' } }, {}),
  ];
}

function clusterKinds(): Found[] {
  const accepted = condition('NamesAccepted', 'True', 'NoConflicts');
  const established = condition('Established', 'True', 'InitialNamesAccepted');
  const conflict = condition('NamesAccepted', 'False', 'ListKindConflict');
  return [
    ...states(['v1', 'Namespace'], { finalizers: ['kubernetes'] }, { phase: 'Active' }, {}),
    found(['v1', 'Namespace'], 'that does not end', {
      metadata: { deletionTimestamp: '2026-01-01T00:00:10Z' },
      status: {
        phase: 'Terminating',
        conditions: [condition('NamespaceContentRemaining', 'True', 'SomeResourcesRemain')],
      },
    }),
    ...states(
      ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
      {},
      { conditions: [accepted, established] },
      {
        installing: { conditions: [accepted, condition('Established', 'False', 'Installing')] },
        refused: { conditions: [condition('Established', 'False', 'NotAccepted'), accepted] },
        'with taken names': { conditions: [conflict, condition('Established', 'False')] },
        'whose names are taken later': { conditions: [established, conflict] },
      },
    ),
    found(['v1', 'ConfigMap'], 'of any kind', { data: { a: 'b' } }),
    found(['v1', 'Secret'], 'of any kind', { data: { a: 'Yg==' } }),
    found(['v1', 'ServiceAccount'], 'of any kind'),
    found(['rbac.authorization.k8s.io/v1', 'ClusterRole'], 'of any kind', { rules: [] }),
    found(['scheduling.k8s.io/v1', 'PriorityClass'], 'of any kind', { value: 1 }),
  ];
}

function conditioned(): Found[] {
  const ready = condition('Ready', 'True', 'Succeeded');
  const notReady = condition('Ready', 'False', 'Failed');
  const unknown = condition('Ready', 'Unknown', 'Progressing');
  const kinds: Kind[] = [
    ['source.toolkit.fluxcd.io/v1', 'GitRepository'],
    ['kustomize.toolkit.fluxcd.io/v1', 'Kustomization'],
    ['helm.toolkit.fluxcd.io/v2', 'HelmRelease'],
    ['example.com/v1', 'Thing'],
  ];
  return kinds.flatMap((kind) =>
    states(
      kind,
      {},
      { observedGeneration, conditions: [ready] },
      {
        'not ready': { conditions: [notReady] },
        'of unknown readiness': { conditions: [unknown] },
        'of odd readiness': { conditions: [condition('Ready', 'Maybe')] },
        reconciling: { conditions: [condition('Reconciling', 'True', 'Progressing'), unknown] },
        stalled: { conditions: [condition('Stalled', 'True', 'InvalidURL'), notReady] },
        'no longer stalled': { conditions: [condition('Stalled', 'False'), ready] },
        'both stalled and reconciling': {
          conditions: [condition('Stalled', 'True'), condition('Reconciling', 'True')],
        },
        'not observed yet': { observedGeneration: -1, conditions: [] },
        'with other conditions': { conditions: [condition('Synced', 'False')] },
      },
    ),
  );
}

function malformed(): Found[] {
  const kind: Kind = ['example.com/v1', 'Thing'];
  const statuses: Record<string, unknown> = {
    'a text': 'Healthy',
    'a list': ['Healthy'],
    nothing: null,
    'conditions as a map': { conditions: { Ready: 'True' } },
    'conditions as texts': { conditions: ['Ready'] },
    'no conditions': { conditions: null },
    'an empty condition': { conditions: [null, condition('Ready', 'False')] },
    'a boolean as state': { conditions: [{ type: 'Ready', status: true }] },
    'a number as message': { conditions: [{ type: 'Odd', status: 'True', message: 1 }] },
    'a generation as text': { observedGeneration: '2', conditions: [condition('Ready', 'True')] },
    'no generation': { observedGeneration: null },
  };
  return Object.entries(statuses).flatMap(([name, status]) => [
    found(kind, `whose status is ${name}`, { status }),
    found(['batch/v1', 'Job'], `whose status is ${name}`, { status }),
    found(kind, `without generation whose status is ${name}`, {
      metadata: { generation: undefined },
      status,
    }),
  ]);
}

/** Objects of many kinds as their controllers leave them, in the states that their health depends on. */
export const verdictObjects: Found[] = [
  ...workloads,
  ...services(),
  ...budgets(),
  ...clusterKinds(),
  ...conditioned(),
  ...malformed(),
];
