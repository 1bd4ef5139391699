import type { KubeObject } from '@sluice/shared/api';
import type { Health } from '@sluice/shared/engine';

type IntOrPercent = number | string;

/** What Helm 3 reads of the kinds it knows; the API server has filled in the defaults. */
interface Workload extends KubeObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    externalIPs?: string[];
    replicas?: number;
    completions?: number;
    backoffLimit?: number;
    paused?: boolean;
    strategy?: { rollingUpdate?: { maxUnavailable?: IntOrPercent; maxSurge?: IntOrPercent } };
    updateStrategy?: {
      type?: string;
      rollingUpdate?: { maxUnavailable?: IntOrPercent; partition?: number };
    };
  };
  status?: Record<string, unknown> & {
    phase?: string;
    observedGeneration?: number;
    loadBalancer?: { ingress?: unknown[] };
    conditions?: { type: string; status: string; message?: string }[];
  };
}

const ready: Health = { status: 'Current', message: 'ready' };

function waiting(message: string): Health {
  return { status: 'InProgress', message };
}

type Rule = (object: Workload, o: { checkJobs: boolean }) => Health;

const rules: Record<string, Rule | undefined> = {
  'v1/Pod': podReadiness,
  'v1/Service': serviceReadiness,
  'v1/PersistentVolumeClaim': volumeReadiness,
  'v1/ReplicationController': replicasReadiness,
  'apps/v1/ReplicaSet': replicasReadiness,
  'apps/v1/Deployment': deploymentReadiness,
  'apps/v1/DaemonSet': daemonSetReadiness,
  'apps/v1/StatefulSet': statefulSetReadiness,
  'batch/v1/Job': jobReadiness,
  'apiextensions.k8s.io/v1/CustomResourceDefinition': crdReadiness,
};

/**
 * Judges an object by the rules of Helm 3: kinds that it does not know are always ready. Of Pods behind a controller
 * only what its status counts is used, which is never sooner than Helm would be.
 *
 * @param o.checkJobs whether Jobs have to complete
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/kube/ready.go
 */
export function legacyReadiness(object: KubeObject, o: { checkJobs: boolean }): Health {
  return rules[`${object.apiVersion}/${object.kind}`]?.(object, o) ?? ready;
}

/** A count of the status; what is not there counts nothing. */
function count(object: Workload, field: string): number {
  const value = object.status?.[field];
  return typeof value === 'number' ? value : 0;
}

/** Whether the controller of the object has seen its present spec. */
function unobserved({ metadata, status }: Workload): Health | undefined {
  const { generation } = metadata;
  if (status?.observedGeneration === generation) return undefined;
  return waiting(`generation ${generation} is not observed yet`);
}

function hasCondition({ status }: Workload, type: string, value: string): boolean {
  return status?.conditions?.some((c) => c.type === type && c.status === value) ?? false;
}

/** Ends a message with what the controller of a workload says of why it cannot make Pods, such as a quota. */
function whyNoReplicas({ status }: Workload): string {
  const failure = status?.conditions?.find((c) => c.type === 'ReplicaFailure');
  return failure?.status === 'True' && failure.message ? `: ${failure.message}` : '';
}

/** Resolves a number or a percentage of a total. */
function share(value: IntOrPercent | undefined, total: number, round: (n: number) => number) {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value ?? '');
  return percent === null ? total : round((Number(percent[1]) * total) / 100);
}

function podReadiness(pod: Workload): Health {
  return hasCondition(pod, 'Ready', 'True') ? ready : waiting('Pod is not ready');
}

function jobReadiness(job: Workload, { checkJobs }: { checkJobs: boolean }): Health {
  if (!checkJobs) return ready;
  if (count(job, 'failed') > (job.spec?.backoffLimit ?? 6))
    return { status: 'Failed', message: `Job has failed ${count(job, 'failed')} times` };
  const { completions } = job.spec ?? {};
  if (completions !== undefined && count(job, 'succeeded') < completions)
    return waiting(`Job succeeded ${count(job, 'succeeded')}/${completions}`);
  return ready;
}

function serviceReadiness({ spec, status }: Workload): Health {
  if (spec?.type === 'ExternalName') return ready;
  if (!spec?.clusterIP) return waiting('Service has no cluster IP');
  if (spec.type !== 'LoadBalancer' || spec.externalIPs?.length) return ready;
  return status?.loadBalancer?.ingress ? ready : waiting('the load balancer has no address');
}

function volumeReadiness({ status }: Workload): Health {
  return status?.phase === 'Bound' ? ready : waiting('PersistentVolumeClaim is not bound');
}

function replicasReadiness(object: Workload): Health {
  const behind = unobserved(object);
  if (behind !== undefined) return behind;
  const [have, want] = [count(object, 'readyReplicas'), count(object, 'replicas')];
  return have >= want ? ready : waiting(`Pods ready: ${have}/${want}${whyNoReplicas(object)}`);
}

function deploymentReadiness(deployment: Workload): Health {
  if (deployment.spec?.paused) return ready;
  const behind = unobserved(deployment);
  if (behind !== undefined) return behind;
  const want = (deployment.spec?.replicas ?? 1) - maxUnavailable(deployment);
  // Helm counts the Pods of the new ReplicaSet; all of the old ones might be among those that are ready.
  const old = Math.max(0, count(deployment, 'replicas') - count(deployment, 'updatedReplicas'));
  const have = Math.max(0, count(deployment, 'readyReplicas') - old);
  if (have >= want) return ready;
  return waiting(`updated Pods ready: ${have}/${want}${whyNoReplicas(deployment)}`);
}

function maxUnavailable({ spec }: Workload): number {
  const replicas = spec?.replicas ?? 1;
  const rolling = spec?.strategy?.rollingUpdate;
  if (rolling === undefined || replicas === 0) return 0;
  const surge = share(rolling.maxSurge, replicas, Math.ceil);
  const unavailable = share(rolling.maxUnavailable, replicas, Math.floor);
  // A roll-out could not begin otherwise.
  return Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable);
}

function daemonSetReadiness(daemonSet: Workload): Health {
  const behind = unobserved(daemonSet);
  if (behind !== undefined) return behind;
  const { type, rollingUpdate } = daemonSet.spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return ready;
  const desired = count(daemonSet, 'desiredNumberScheduled');
  const updated = count(daemonSet, 'updatedNumberScheduled');
  if (updated !== desired) return waiting(`Pods updated: ${updated}/${desired}`);
  const want = desired - share(rollingUpdate?.maxUnavailable, desired, Math.ceil);
  const have = count(daemonSet, 'numberReady');
  return have >= want ? ready : waiting(`Pods ready: ${have}/${want}`);
}

function statefulSetReadiness(statefulSet: Workload): Health {
  const behind = unobserved(statefulSet);
  if (behind !== undefined) return behind;
  const { spec, status } = statefulSet;
  const { type, rollingUpdate } = spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return ready;
  const replicas = spec?.replicas ?? 1;
  const partition = rollingUpdate?.partition ?? 0;
  const updated = count(statefulSet, 'updatedReplicas');
  if (updated < replicas - partition)
    return waiting(`Pods updated: ${updated}/${replicas - partition}`);
  const have = count(statefulSet, 'readyReplicas');
  if (have !== replicas) return waiting(`Pods ready: ${have}/${replicas}`);
  const isSettled = status?.['currentRevision'] === status?.['updateRevision'];
  return partition === 0 && !isSettled ? waiting('the update is not complete') : ready;
}

function crdReadiness(crd: Workload): Health {
  // A conflict of names is the business of somebody else: Helm goes on.
  const settled =
    hasCondition(crd, 'Established', 'True') || hasCondition(crd, 'NamesAccepted', 'False');
  return settled ? ready : waiting('CustomResourceDefinition is not established');
}
