import { condition } from './health-cases.ts';
import {
  type Found,
  found,
  type Kind,
  observedGeneration,
  selector,
  states,
} from './verdict-states.ts';

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
      'failed by its policy': failedWith('PodFailurePolicy'),
      'failed in too many of its indexes': failedWith('MaxFailedIndexesExceeded'),
      'about to fail': {
        succeeded: 0,
        active: 1,
        failed: 1,
        conditions: [condition('FailureTarget', 'True', 'PodFailurePolicy')],
      },
      'done by its policy': {
        conditions: [
          condition('SuccessCriteriaMet', 'True', 'SuccessPolicy'),
          condition('Complete', 'True', 'SuccessPolicy'),
        ],
      },
      'about to be done': {
        active: 1,
        terminating: 1,
        conditions: [condition('SuccessCriteriaMet', 'True', 'SuccessPolicy')],
      },
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

/** Workloads and what they make. */
export const workloads: Found[] = [
  ...deployments(),
  ...statefulSets(),
  ...otherWorkloads(),
  ...pods(),
  ...jobs(),
];
