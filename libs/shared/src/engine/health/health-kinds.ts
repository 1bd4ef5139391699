import type { KubeObject } from '@sluice/shared/api';
import {
  fieldAt,
  fieldsOf,
  intAt,
  type JsonMap,
  mapsAt,
  stringAt,
} from '../object/object-fields.ts';
import { conditionOf, current, failed, type Health, inProgress, isTrue } from './health-result.ts';
import { malformedConditions } from './malformed-status.ts';

/** Milliseconds a Pod may stay unscheduled before it counts as failed. */
const scheduleWindowMs = 15_000;
/** What the API server stores when a Deployment has no progress deadline. */
const noDeadline = 2 ** 31 - 1;

type HealthRule = (object: JsonMap, nowMs: number) => Health;

/**
 * Rules per kind, keyed by `<group>/<kind>`, or `<kind>` in the core group. All run only after the generic rules.
 *
 * @see https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/status/core.go
 */
export const healthByKind: Record<string, HealthRule | undefined> = {
  Service: serviceHealth,
  Pod: podHealth,
  Secret: always,
  ConfigMap: always,
  PersistentVolumeClaim: pvcHealth,
  'apps/Deployment': deploymentHealth,
  'apps/StatefulSet': statefulSetHealth,
  'apps/DaemonSet': daemonSetHealth,
  'apps/ReplicaSet': replicaSetHealth,
  'policy/PodDisruptionBudget': () => current('AllowedDisruptions has been computed.'),
  'batch/CronJob': always,
  'apiextensions.k8s.io/CustomResourceDefinition': crdHealth,
  'apiregistration.k8s.io/APIService': apiServiceHealth,
};

function always(): Health {
  return current('Resource is always ready');
}

/** A step of a roll-out: how many there are of how many wanted. */
interface Count {
  label: string;
  have: number;
  want: number;
}

/** Returns the first step that is not reached yet. */
function firstShort(counts: Count[]): Health | undefined {
  const short = counts.find(({ have, want }) => have < want);
  return short && inProgress(`${short.label}: ${short.have}/${short.want}`);
}

function surplus(have: number, want: number): Health | undefined {
  return have > want ? inProgress(`Pending termination: ${have - want}`) : undefined;
}

/** Returns a reader of integers in the object's status, 0 when missing. */
function statusCounter(object: JsonMap): (field: string) => number {
  return (field) => intAt(object, ['status', field], 0);
}

function messageOf(condition: JsonMap): string {
  return stringAt(condition, ['message']);
}

/** Ends a message with what the controller of a workload says of why it cannot make Pods, such as a quota. */
function whyNoReplicas(object: JsonMap): string {
  const failure = conditionOf(object, 'ReplicaFailure');
  const message = isTrue(failure) ? stringAt(failure, ['message']) : '';
  return message === '' ? '' : `: ${message}`;
}

function deploymentHealth(object: JsonMap): Health {
  const status = statusCounter(object);
  const want = intAt(object, ['spec', 'replicas'], 1);
  const progressing = conditionOf(object, 'Progressing');
  if (progressing?.['reason'] === 'ProgressDeadlineExceeded') {
    return failed(`Progress deadline exceeded${whyNoReplicas(object)}`);
  }
  const [replicas, updated] = [status('replicas'), status('updatedReplicas')];
  const counts =
    firstShort([
      { label: 'Replicas', have: replicas, want },
      { label: 'Updated', have: updated, want },
    ]) ??
    surplus(replicas, want) ??
    firstShort([
      { label: 'Available', have: status('availableReplicas'), want: updated },
      { label: 'Ready', have: status('readyReplicas'), want },
    ]);
  if (counts !== undefined) return inProgress(`${counts.message}${whyNoReplicas(object)}`);
  const reportsProgress =
    intAt(object, ['spec', 'progressDeadlineSeconds'], noDeadline) !== noDeadline;
  const rolledOut = isTrue(progressing) && progressing?.['reason'] === 'NewReplicaSetAvailable';
  if (reportsProgress && !rolledOut) return inProgress('ReplicaSet not Available');
  if (!isTrue(conditionOf(object, 'Available'))) return inProgress('Deployment not Available');
  return current(`Deployment is available. Replicas: ${replicas}`);
}

function statefulSetHealth(object: JsonMap): Health {
  const status = statusCounter(object);
  const strategy = fieldAt(object, 'spec', 'updateStrategy');
  if (fieldAt(strategy, 'type') === 'OnDelete') {
    return current('StatefulSet is using the ondelete update strategy');
  }
  const want = intAt(object, ['spec', 'replicas'], 1);
  const replicas = status('replicas');
  const counts =
    firstShort([
      { label: 'Replicas', have: replicas, want },
      { label: 'Ready', have: status('readyReplicas'), want },
    ]) ?? surplus(replicas, want);
  if (counts !== undefined) return counts;
  const updated = status('updatedReplicas');
  const partition = intAt(strategy, ['rollingUpdate', 'partition'], -1);
  if (partition !== -1) {
    return (
      firstShort([{ label: 'updated', have: updated, want: want - partition }]) ??
      current(`Partition rollout complete. updated: ${updated}`)
    );
  }
  const short = firstShort([{ label: 'current', have: status('currentReplicas'), want }]);
  if (short !== undefined) return short;
  const revision = (field: string) => stringAt(object, ['status', field]);
  return revision('currentRevision') === revision('updateRevision')
    ? current(`All replicas scheduled as expected. Replicas: ${replicas}`)
    : inProgress('Waiting for updated revision to match current');
}

function daemonSetHealth(object: JsonMap): Health {
  const status = statusCounter(object);
  if (fieldAt(object, 'metadata', 'generation') === undefined) {
    return inProgress('DaemonSet metadata.generation not found');
  }
  if (fieldAt(object, 'status', 'observedGeneration') === undefined) {
    return inProgress('DaemonSet status.observedGeneration not found');
  }
  const want = intAt(object, ['status', 'desiredNumberScheduled'], -1);
  if (want === -1) return inProgress('Missing .status.desiredNumberScheduled');
  return (
    firstShort([
      { label: 'Current', have: status('currentNumberScheduled'), want },
      { label: 'Updated', have: status('updatedNumberScheduled'), want },
      { label: 'Available', have: status('numberAvailable'), want },
      { label: 'Ready', have: status('numberReady'), want },
    ]) ?? current(`All replicas scheduled as expected. Replicas: ${want}`)
  );
}

function replicaSetHealth(object: JsonMap): Health {
  const status = statusCounter(object);
  if (isTrue(conditionOf(object, 'ReplicaFailure'))) {
    return inProgress(`Replica Failure condition. Check Pods${whyNoReplicas(object)}`);
  }
  const want = intAt(object, ['spec', 'replicas'], 1);
  const replicas = status('replicas');
  return (
    firstShort([
      { label: 'Labelled', have: status('fullyLabeledReplicas'), want },
      { label: 'Available', have: status('availableReplicas'), want },
      { label: 'Ready', have: status('readyReplicas'), want },
    ]) ??
    surplus(replicas, want) ??
    current(`ReplicaSet is available. Replicas: ${replicas}`)
  );
}

/** Judges a Job as kustomize-controller does: it is Current once it has completed, or is suspended. */
export function jobHealth(job: KubeObject): Health {
  const object = fieldsOf(job);
  if (fieldAt(object, 'spec', 'suspend') === true) return current('Job is suspended');
  const malformed = malformedConditions(job);
  if (malformed !== undefined) return malformed;
  const status = statusCounter(object);
  const parallelism = intAt(object, ['spec', 'parallelism'], 1);
  const completions = intAt(object, ['spec', 'completions'], parallelism);
  const [succeeded, unsuccessful] = [status('succeeded'), status('failed')];
  for (const condition of mapsAt(object, 'status', 'conditions').filter(isTrue)) {
    const type = condition['type'];
    if (type === 'Complete')
      return current(`Job Completed. succeeded: ${succeeded}/${completions}`);
    if (type === 'Failed') {
      const why = ['reason', 'message'].map((field) => stringAt(condition, [field]));
      return failed(
        [`Job Failed. failed: ${unsuccessful}/${completions}`, ...why].filter(Boolean).join(': '),
      );
    }
  }
  if (stringAt(object, ['status', 'startTime']) === '') {
    return inProgress(`Job not started. active: 0/${parallelism}`);
  }
  return inProgress(
    `Job in progress. success:${succeeded}, active: ${status('active')}, failed: ${unsuccessful}`,
  );
}

function podHealth(object: JsonMap, nowMs: number): Health {
  const phase = stringAt(object, ['status', 'phase']);
  switch (phase) {
    case 'Succeeded':
      return current('Pod has completed successfully');
    case 'Failed':
      return current('Pod has completed, but not successfully');
    case 'Running':
      return runningPodHealth(object);
    case 'Pending':
      return pendingPodHealth(object, nowMs);
    case '':
      return inProgress('Pod phase not available');
    default:
      return { status: 'Unknown', message: `unknown phase ${phase}` };
  }
}

function runningPodHealth(object: JsonMap): Health {
  if (isTrue(conditionOf(object, 'Ready'))) return current('Pod is Ready');
  if (!Array.isArray(fieldAt(object, 'status', 'containerStatuses') ?? [])) {
    return { status: 'Unknown', message: 'status.containerStatuses is not a list' };
  }
  const crashing = mapsAt(object, 'status', 'containerStatuses')
    .filter(
      ({ name, ...container }) =>
        name !== undefined &&
        stringAt(container, ['state', 'waiting', 'reason']) === 'CrashLoopBackOff',
    )
    .map((container) => stringAt(container, ['name']));
  return crashing.length > 0
    ? failed(`Containers in CrashLoop state: ${crashing.join(',')}`)
    : inProgress('Pod is running but is not Ready');
}

function pendingPodHealth(object: JsonMap, nowMs: number): Health {
  const scheduled = conditionOf(object, 'PodScheduled');
  if (scheduled?.['status'] !== 'False' || scheduled['reason'] !== 'Unschedulable') {
    return inProgress('Pod is in the Pending phase');
  }
  const created = Date.parse(stringAt(object, ['metadata', 'creationTimestamp']));
  return nowMs - scheduleWindowMs < created
    ? inProgress('Pod has not been scheduled')
    : failed('Pod could not be scheduled');
}

function pvcHealth(object: JsonMap): Health {
  const phase = stringAt(object, ['status', 'phase'], 'unknown');
  return phase === 'Bound'
    ? current('PVC is Bound')
    : inProgress(`PVC is not Bound. phase: ${phase}`);
}

function serviceHealth(object: JsonMap): Health {
  const type = stringAt(object, ['spec', 'type'], 'ClusterIP');
  return type === 'LoadBalancer' && stringAt(object, ['spec', 'clusterIP']) === ''
    ? inProgress('ClusterIP not set. Service type: LoadBalancer')
    : current('Service is ready');
}

function crdHealth(object: JsonMap): Health {
  for (const condition of mapsAt(object, 'status', 'conditions')) {
    const { type, status, reason } = condition;
    if (type === 'NamesAccepted' && status === 'False') return failed(messageOf(condition));
    if (type !== 'Established') continue;
    if (status === 'True') return current('CRD is established');
    if (status === 'False' && reason !== 'Installing') return failed(messageOf(condition));
  }
  return inProgress('Install in progress');
}

/**
 * Beyond kstatus, to which an APIService is always Current: its kinds exist only once its server answers, and nobody
 * has asked that server before the condition is there.
 */
function apiServiceHealth(object: JsonMap): Health {
  const available = conditionOf(object, 'Available');
  if (isTrue(available)) return current('APIService is available');
  return inProgress(stringAt(available, ['message'], 'Availability not checked yet'));
}
