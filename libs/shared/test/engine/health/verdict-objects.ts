import type { KubeObject } from '@sluice/shared/api';
import { condition } from './health-cases.ts';

/** An object as it is found in a cluster. */
export interface Found {
  name: string;
  object: KubeObject;
}

type Kind = [apiVersion: string, kind: string];

const metadata = { name: 'x', namespace: 'apps', creationTimestamp: '2026-01-01T00:00:00Z' };

function found([apiVersion, kind]: Kind, name: string, parts: object = {}): Found {
  const { metadata: more, ...rest } = parts as { metadata?: object };
  const object = { apiVersion, kind, metadata: { ...metadata, generation: 2, ...more }, ...rest };
  return { name: `${kind} ${name}`, object };
}

/** An object of a kind, and in each of the states that are given by what differs from a status that is whole. */
function states(kind: Kind, spec: object, whole: object, others: Record<string, object>): Found[] {
  return [
    found(kind, 'just created', { spec }),
    found(kind, 'whole', { spec, status: whole }),
    found(kind, 'of an older generation', { spec, status: { ...whole, observedGeneration: 1 } }),
    found(kind, 'being deleted', {
      metadata: { deletionTimestamp: '2026-01-01T00:00:10Z' },
      spec,
      status: whole,
    }),
    ...Object.entries(others).map(([name, status]) =>
      found(kind, name, { spec, status: { ...whole, ...status } }),
    ),
  ];
}

const selector = { matchLabels: { app: 'x' } };
const observedGeneration = 2;
const progressing = condition('Progressing', 'True', 'NewReplicaSetAvailable');
const available = condition('Available', 'True', 'MinimumReplicasAvailable');
const replicaFailure = condition('ReplicaFailure', 'True', 'FailedCreate');
const counts = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };

function deployments(): Found[] {
  const kind: Kind = ['apps/v1', 'Deployment'];
  const spec = { replicas: 2, progressDeadlineSeconds: 600, selector };
  const whole = { observedGeneration, ...counts, conditions: [available, progressing] };
  const late = condition('Progressing', 'False', 'ProgressDeadlineExceeded');
  const unavailable = condition('Available', 'False', 'MinimumReplicasUnavailable');
  return [
    ...states(kind, spec, whole, {
      'that surges': { replicas: 3, updatedReplicas: 1 },
      'with old Pods': { replicas: 3 },
      'with few available': { availableReplicas: 1, conditions: [unavailable, progressing] },
      'past its deadline': { updatedReplicas: 1, conditions: [available, late] },
      'over a quota': { replicas: 0, conditions: [unavailable, replicaFailure, progressing] },
      'with the rollout under way': {
        conditions: [available, condition('Progressing', 'True', 'ReplicaSetUpdated')],
      },
    }),
    found(kind, 'without a deadline', {
      spec: { ...spec, progressDeadlineSeconds: 2147483647 },
      status: { ...whole, conditions: [available] },
    }),
    found(kind, 'scaled to none', {
      spec: { ...spec, replicas: 0 },
      status: { observedGeneration, conditions: [available, progressing] },
    }),
  ];
}

function statefulSets(): Found[] {
  const kind: Kind = ['apps/v1', 'StatefulSet'];
  const whole = {
    observedGeneration,
    ...counts,
    currentReplicas: 2,
    currentRevision: 'x-1',
    updateRevision: 'x-1',
  };
  const rolling = (rollingUpdate: object) => ({
    replicas: 2,
    selector,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate },
  });
  return [
    ...states(kind, rolling({ partition: 0 }), whole, { 'not ready': { readyReplicas: 1 } }),
    ...states(kind, rolling({ maxUnavailable: 1 }), whole, {
      'between revisions': { currentReplicas: 1, updatedReplicas: 1, updateRevision: 'x-2' },
      'with the new revision not current': { updateRevision: 'x-2' },
      'with a Pod too many': { replicas: 3 },
    }),
    ...states(kind, rolling({ partition: 1 }), whole, {
      'before its partition': { updatedReplicas: 0, updateRevision: 'x-2' },
    }),
    found(kind, 'updated by deletion', {
      spec: { replicas: 2, selector, updateStrategy: { type: 'OnDelete' } },
      status: { observedGeneration, replicas: 1 },
    }),
  ];
}

function otherWorkloads(): Found[] {
  const numbers = ['desiredNumberScheduled', 'currentNumberScheduled', 'updatedNumberScheduled'];
  const names = [...numbers, 'numberAvailable', 'numberReady'];
  const daemons = Object.fromEntries(names.map((name) => [name, 2]));
  const whole = { observedGeneration, ...daemons, numberMisscheduled: 0 };
  const replicas = { observedGeneration, ...counts, fullyLabeledReplicas: 2 };
  return [
    ...states(['apps/v1', 'DaemonSet'], { selector }, whole, {
      'on its way': { updatedNumberScheduled: 1, numberReady: 1 },
      'on no node': Object.fromEntries(names.map((name) => [name, 0])),
    }),
    ...states(['apps/v1', 'ReplicaSet'], { replicas: 2, selector }, replicas, {
      'over a quota': { readyReplicas: 0, conditions: [replicaFailure] },
      'with Pods too many': { replicas: 3 },
    }),
  ];
}

function pods(): Found[] {
  const kind: Kind = ['v1', 'Pod'];
  const ready = condition('Ready', 'True');
  const unready = condition('Ready', 'False', 'ContainersNotReady');
  const waiting = (reason: string) => [{ name: 'main', state: { waiting: { reason } } }];
  const running = { phase: 'Running', conditions: [ready], containerStatuses: [{ name: 'main' }] };
  return states(kind, {}, running, {
    'not ready': { conditions: [unready] },
    'that crashes': { conditions: [unready], containerStatuses: waiting('CrashLoopBackOff') },
    'without its image': { conditions: [unready], containerStatuses: waiting('ImagePullBackOff') },
    'that waits for its image': { phase: 'Pending', containerStatuses: waiting('ErrImagePull') },
    unschedulable: {
      phase: 'Pending',
      conditions: [condition('PodScheduled', 'False', 'Unschedulable')],
    },
    gated: {
      phase: 'Pending',
      conditions: [condition('PodScheduled', 'False', 'SchedulingGated')],
    },
    done: { phase: 'Succeeded', conditions: [condition('Ready', 'False', 'PodCompleted')] },
    failed: { phase: 'Failed', reason: 'Evicted', conditions: [unready] },
    'of a lost node': { phase: 'Unknown' },
  });
}

function jobs(): Found[] {
  const kind: Kind = ['batch/v1', 'Job'];
  const startTime = '2026-01-01T00:00:01Z';
  const complete = condition('Complete', 'True', 'CompletionsReached');
  const failedWith = (reason: string) => ({
    succeeded: 0,
    failed: 3,
    conditions: [condition('FailureTarget', 'True', reason), condition('Failed', 'True', reason)],
  });
  const whole = { startTime, succeeded: 1, conditions: [complete] };
  const suspended = { suspend: true, completions: 1, parallelism: 1 };
  return [
    ...states(kind, { completions: 1, parallelism: 1, suspend: false }, whole, {
      running: { succeeded: 0, active: 1, conditions: [] },
      'over its limit': failedWith('BackoffLimitExceeded'),
      'past its deadline': failedWith('DeadlineExceeded'),
      resumed: { conditions: [condition('Suspended', 'False', 'JobResumed')] },
    }),
    found(kind, 'suspended', {
      spec: suspended,
      status: { conditions: [condition('Suspended', 'True', 'JobSuspended')] },
    }),
    found(kind, 'about to be suspended', { spec: suspended, status: { startTime, active: 1 } }),
    found(['batch/v1', 'CronJob'], 'just created'),
    found(['batch/v1', 'CronJob'], 'with a run', { status: { lastScheduleTime: startTime } }),
  ];
}

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
  ...deployments(),
  ...statefulSets(),
  ...otherWorkloads(),
  ...pods(),
  ...jobs(),
  ...services(),
  ...budgets(),
  ...clusterKinds(),
  ...conditioned(),
  ...malformed(),
];
