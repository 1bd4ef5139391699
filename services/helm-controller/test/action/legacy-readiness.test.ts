import { expect, test } from 'vitest';
import { legacyReadiness } from '../../src/action/legacy-readiness.ts';

const cases: {
  name: string;
  kind: string;
  spec?: object;
  status?: object;
  generation?: number;
  checkJobs?: boolean;
  want: 'Current' | 'InProgress' | 'Failed';
}[] = [
  { name: 'a kind that Helm 3 does not know', kind: 'v1/ConfigMap', want: 'Current' },
  { name: 'a Pod without conditions', kind: 'v1/Pod', want: 'InProgress' },
  {
    name: 'a Pod that is ready',
    kind: 'v1/Pod',
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
    want: 'Current',
  },
  {
    name: 'a Job, when Jobs do not count',
    kind: 'batch/v1/Job',
    spec: { completions: 1 },
    want: 'Current',
  },
  {
    name: 'a Job that has not completed',
    kind: 'batch/v1/Job',
    spec: { completions: 1, backoffLimit: 6 },
    checkJobs: true,
    want: 'InProgress',
  },
  {
    name: 'a Job that has completed',
    kind: 'batch/v1/Job',
    spec: { completions: 1 },
    status: { succeeded: 1 },
    checkJobs: true,
    want: 'Current',
  },
  {
    name: 'a Job that has failed more often than it may',
    kind: 'batch/v1/Job',
    spec: { completions: 1, backoffLimit: 1 },
    status: { failed: 2 },
    checkJobs: true,
    want: 'Failed',
  },
  {
    name: 'a Service for an external name',
    kind: 'v1/Service',
    spec: { type: 'ExternalName' },
    want: 'Current',
  },
  {
    name: 'a Service with a cluster IP',
    kind: 'v1/Service',
    spec: { type: 'ClusterIP', clusterIP: '10.0.0.1' },
    want: 'Current',
  },
  {
    name: 'a load balancer without an address',
    kind: 'v1/Service',
    spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1' },
    status: { loadBalancer: {} },
    want: 'InProgress',
  },
  {
    name: 'a load balancer with external IPs',
    kind: 'v1/Service',
    spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1', externalIPs: ['1.2.3.4'] },
    want: 'Current',
  },
  {
    name: 'a claim that waits for a volume',
    kind: 'v1/PersistentVolumeClaim',
    status: { phase: 'Pending' },
    want: 'InProgress',
  },
  {
    name: 'a claim that is bound',
    kind: 'v1/PersistentVolumeClaim',
    status: { phase: 'Bound' },
    want: 'Current',
  },
  {
    name: 'a Deployment whose change is not observed',
    kind: 'apps/v1/Deployment',
    generation: 2,
    spec: { replicas: 0 },
    status: { observedGeneration: 1 },
    want: 'InProgress',
  },
  {
    name: 'a paused Deployment',
    kind: 'apps/v1/Deployment',
    spec: { replicas: 1, paused: true },
    want: 'Current',
  },
  {
    name: 'a Deployment with all but as many Pods as may be missing',
    kind: 'apps/v1/Deployment',
    spec: {
      replicas: 4,
      strategy: { rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    },
    status: { replicas: 4, updatedReplicas: 4, readyReplicas: 3 },
    want: 'Current',
  },
  {
    name: 'a Deployment of which only old Pods are ready',
    kind: 'apps/v1/Deployment',
    spec: {
      replicas: 1,
      strategy: { rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    },
    status: { replicas: 2, updatedReplicas: 1, readyReplicas: 1 },
    want: 'InProgress',
  },
  {
    name: 'a Deployment that may neither exceed nor miss Pods may miss one',
    kind: 'apps/v1/Deployment',
    spec: { replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } } },
    status: { replicas: 2, updatedReplicas: 2, readyReplicas: 1 },
    want: 'Current',
  },
  {
    name: 'a DaemonSet that is updated by hand',
    kind: 'apps/v1/DaemonSet',
    spec: { updateStrategy: { type: 'OnDelete' } },
    want: 'Current',
  },
  {
    name: 'a DaemonSet with old Pods',
    kind: 'apps/v1/DaemonSet',
    spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } },
    status: { desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberReady: 2 },
    want: 'InProgress',
  },
  {
    name: 'a DaemonSet with one Pod missing where one may be',
    kind: 'apps/v1/DaemonSet',
    spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } } },
    status: { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 2 },
    want: 'Current',
  },
  {
    name: 'a StatefulSet that waits for Pods',
    kind: 'apps/v1/StatefulSet',
    spec: { replicas: 2, updateStrategy: { type: 'RollingUpdate' } },
    status: { updatedReplicas: 2, readyReplicas: 1 },
    want: 'InProgress',
  },
  {
    name: 'a StatefulSet whose update is not complete',
    kind: 'apps/v1/StatefulSet',
    spec: { replicas: 1, updateStrategy: { type: 'RollingUpdate' } },
    status: { updatedReplicas: 1, readyReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    want: 'InProgress',
  },
  {
    name: 'a StatefulSet that is updated in part, as wanted',
    kind: 'apps/v1/StatefulSet',
    spec: {
      replicas: 3,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
    },
    status: { updatedReplicas: 1, readyReplicas: 3, currentRevision: 'a', updateRevision: 'b' },
    want: 'Current',
  },
  {
    name: 'a ReplicaSet with a Pod that is not ready',
    kind: 'apps/v1/ReplicaSet',
    spec: { replicas: 2 },
    status: { replicas: 2, readyReplicas: 1 },
    want: 'InProgress',
  },
  {
    name: 'a CRD whose names are taken',
    kind: 'apiextensions.k8s.io/v1/CustomResourceDefinition',
    status: { conditions: [{ type: 'NamesAccepted', status: 'False' }] },
    want: 'Current',
  },
  {
    name: 'a CRD that is not established',
    kind: 'apiextensions.k8s.io/v1/CustomResourceDefinition',
    status: { conditions: [{ type: 'Established', status: 'False' }] },
    want: 'InProgress',
  },
];

test.each(cases)('$name is $want', ({ kind, spec, status, generation, checkJobs, want }) => {
  const slash = kind.lastIndexOf('/');
  const object = {
    apiVersion: kind.slice(0, slash),
    kind: kind.slice(slash + 1),
    metadata: { name: 'x', generation: generation ?? 1 },
    spec,
    status: { observedGeneration: 1, ...status },
  };
  expect(legacyReadiness(object, { checkJobs: checkJobs ?? false }).status).toBe(want);
});

test.each([
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { apiVersion: 'v1', kind: 'ReplicationController' },
])('of a $kind it is told why its Pods are refused', (type) => {
  const message = 'pods "x" is forbidden: exceeded quota: none';
  const object = {
    ...type,
    metadata: { name: 'x', generation: 1 },
    spec: { replicas: 1 },
    status: {
      observedGeneration: 1,
      replicas: 1,
      conditions: [{ type: 'ReplicaFailure', status: 'True', message }],
    },
  };
  expect(legacyReadiness(object, { checkJobs: false }).message).toMatch(
    new RegExp(`ready: 0/1: ${message}$`),
  );
});
