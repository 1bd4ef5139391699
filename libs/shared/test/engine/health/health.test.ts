import { describe, it } from 'vitest';
import { type Case, check, condition } from './health-cases.ts';

describe('any kind', () => {
  const cases: Case[] = [
    { name: 'without status', health: 'Current' },
    {
      name: 'with an unknown condition',
      status: { conditions: [condition('Odd', 'False')] },
      health: 'Current',
    },
    {
      name: 'being deleted',
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      health: 'Terminating',
    },
    {
      name: 'being deleted, though stalled',
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { conditions: [condition('Stalled', 'True')] },
      health: 'Terminating',
    },
    {
      name: 'with a generation not observed',
      metadata: { generation: 2 },
      status: { observedGeneration: 1, conditions: [condition('Ready', 'True')] },
      health: 'InProgress',
      message: 'Thing generation is 2, but latest observed generation is 1',
    },
    {
      name: 'with a generation nobody observes',
      metadata: { generation: 2 },
      status: { conditions: [condition('Ready', 'True')] },
      health: 'Current',
    },
    {
      name: 'reconciling',
      status: { conditions: [condition('Ready', 'True'), condition('Reconciling', 'True')] },
      health: 'InProgress',
      message: 'words',
    },
    {
      name: 'no longer reconciling',
      status: { conditions: [condition('Reconciling', 'False')] },
      health: 'Current',
    },
    {
      name: 'stalled',
      status: { conditions: [condition('Stalled', 'True')] },
      health: 'Failed',
      message: 'words',
    },
    {
      name: 'stalled while it reconciles',
      status: { conditions: [condition('Reconciling', 'True'), condition('Stalled', 'True')] },
      health: 'InProgress',
    },
    { name: 'ready', status: { conditions: [condition('Ready', 'True')] }, health: 'Current' },
    {
      name: 'not ready',
      status: { conditions: [condition('Ready', 'False')] },
      health: 'InProgress',
      message: 'words',
    },
    {
      name: 'of unknown readiness',
      status: { conditions: [condition('Ready', 'Unknown')] },
      health: 'InProgress',
    },
    {
      name: 'with a list of conditions that is none',
      status: { conditions: 'none' },
      health: 'Unknown',
      message: 'status.conditions is not a list; say in healthCheckExprs how to read this kind',
    },
    {
      name: 'with a condition that is none',
      status: { conditions: [{ type: 'Ready', status: true }] },
      health: 'Unknown',
      message:
        'status.conditions[0].status is not a string; say in healthCheckExprs how to read this kind',
    },
    {
      name: 'with a generation that is none',
      metadata: { generation: 2 },
      status: { observedGeneration: '2' },
      health: 'Unknown',
      message:
        'status.observedGeneration is not a number; say in healthCheckExprs how to read this kind',
    },
  ];
  it.each(cases)('$name: $health', (c) => check(c));
});

describe('Pod', () => {
  const waiting = { name: 'app', state: { waiting: { reason: 'CrashLoopBackOff' } } };
  const unschedulable = [condition('PodScheduled', 'False', 'Unschedulable')];
  const cases: Case[] = [
    { name: 'not seen yet', health: 'InProgress' },
    { name: 'succeeded', status: { phase: 'Succeeded' }, health: 'Current' },
    { name: 'failed', status: { phase: 'Failed' }, health: 'Current' },
    {
      name: 'ready',
      status: { phase: 'Running', conditions: [condition('Ready', 'True')] },
      health: 'Current',
    },
    {
      name: 'running',
      status: { phase: 'Running', conditions: [condition('Ready', 'False')] },
      health: 'InProgress',
    },
    {
      name: 'crashing',
      status: { phase: 'Running', containerStatuses: [waiting] },
      health: 'Failed',
      message: 'Containers in CrashLoop state: app',
    },
    { name: 'pending', status: { phase: 'Pending' }, health: 'InProgress' },
    {
      name: 'unschedulable for a moment',
      metadata: { creationTimestamp: '2026-01-01T00:00:50Z' },
      status: { phase: 'Pending', conditions: unschedulable },
      health: 'InProgress',
    },
    {
      name: 'unschedulable for long',
      metadata: { creationTimestamp: '2026-01-01T00:00:40Z' },
      status: { phase: 'Pending', conditions: unschedulable },
      health: 'Failed',
    },
    { name: 'in an unknown phase', status: { phase: 'Odd' }, health: 'Unknown' },
  ];
  it.each(cases)('$name: $health', (c) => check(c, { apiVersion: 'v1', kind: 'Pod' }));
});

describe('Job', () => {
  const cases: Case[] = [
    {
      name: 'not started',
      spec: { parallelism: 2 },
      health: 'InProgress',
      message: 'Job not started. active: 0/2',
    },
    {
      name: 'running',
      status: { startTime: 'then', active: 1 },
      health: 'InProgress',
      message: 'Job in progress. success:0, active: 1, failed: 0',
    },
    {
      name: 'complete',
      spec: { completions: 3 },
      status: { succeeded: 3, conditions: [condition('Complete', 'True')] },
      health: 'Current',
      message: 'Job Completed. succeeded: 3/3',
    },
    {
      name: 'failed',
      status: { failed: 1, conditions: [condition('Failed', 'True')] },
      health: 'Failed',
      message: 'Job Failed. failed: 1/1: Because: words',
    },
    {
      name: 'failed, and being deleted after its time to live',
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { failed: 1, conditions: [condition('Failed', 'True')] },
      health: 'Failed',
    },
    {
      name: 'suspended',
      spec: { suspend: true },
      status: { conditions: [condition('Suspended', 'True')] },
      health: 'Current',
      message: 'Job is suspended',
    },
    {
      name: 'about to resume',
      status: { conditions: [condition('Suspended', 'True')] },
      health: 'InProgress',
    },
  ];
  it.each(cases)('$name: $health', (c) => check(c, { apiVersion: 'batch/v1', kind: 'Job' }));
});

describe('other kinds', () => {
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  const service = { apiVersion: 'v1', kind: 'Service' };
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', spec: { replicas: 1 } };
  const setStatus = {
    replicas: 1,
    fullyLabeledReplicas: 1,
    availableReplicas: 1,
    readyReplicas: 1,
  };
  const api = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' };
  const notReady = { conditions: [condition('Ready', 'False')] };
  const cases: Case[] = [
    { name: 'CRD', ...crd, health: 'InProgress' },
    {
      name: 'CRD established',
      ...crd,
      status: {
        conditions: [condition('NamesAccepted', 'True'), condition('Established', 'True')],
      },
      health: 'Current',
    },
    {
      name: 'CRD installing',
      ...crd,
      status: { conditions: [condition('Established', 'False', 'Installing')] },
      health: 'InProgress',
    },
    {
      name: 'CRD refused',
      ...crd,
      status: { conditions: [condition('Established', 'False', 'NotAccepted')] },
      health: 'Failed',
    },
    {
      name: 'CRD with taken names',
      ...crd,
      status: { conditions: [condition('NamesAccepted', 'False')] },
      health: 'Failed',
      message: 'words',
    },
    { name: 'Service', ...service, health: 'Current' },
    {
      name: 'Service without an address',
      ...service,
      spec: { type: 'LoadBalancer' },
      health: 'InProgress',
    },
    {
      name: 'Service with an address',
      ...service,
      spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1' },
      health: 'Current',
    },
    { name: 'PVC', ...claim, health: 'InProgress', message: 'PVC is not Bound. phase: unknown' },
    { name: 'PVC bound', ...claim, status: { phase: 'Bound' }, health: 'Current' },
    { name: 'ReplicaSet', ...set, status: setStatus, health: 'Current' },
    {
      name: 'ReplicaSet that cannot create',
      ...set,
      status: { ...setStatus, conditions: [condition('ReplicaFailure', 'True')] },
      health: 'InProgress',
    },
    {
      name: 'ReplicaSet unlabelled',
      ...set,
      status: { ...setStatus, fullyLabeledReplicas: 0 },
      health: 'InProgress',
      message: 'Labelled: 0/1',
    },
    {
      name: 'ReplicaSet with a replica too many',
      ...set,
      status: { ...setStatus, replicas: 2 },
      health: 'InProgress',
    },
    {
      name: 'PodDisruptionBudget',
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      status: { observedGeneration: 1 },
      metadata: { generation: 1 },
      health: 'Current',
    },
    {
      name: 'PodDisruptionBudget not observed',
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      status: { observedGeneration: 0 },
      metadata: { generation: 1 },
      health: 'InProgress',
    },
    {
      name: 'CronJob',
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      status: notReady,
      health: 'Current',
    },
    { name: 'ConfigMap', apiVersion: 'v1', kind: 'ConfigMap', health: 'Current' },
    {
      name: 'Ingress',
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      status: { loadBalancer: {} },
      health: 'Current',
    },
    {
      name: 'APIService',
      ...api,
      health: 'InProgress',
      message: 'Availability not checked yet',
    },
    {
      name: 'APIService available',
      ...api,
      status: { conditions: [condition('Available', 'True')] },
      health: 'Current',
    },
    {
      name: 'APIService unavailable',
      ...api,
      status: { conditions: [condition('Available', 'False')] },
      health: 'InProgress',
      message: 'words',
    },
    {
      name: 'Namespace',
      apiVersion: 'v1',
      kind: 'Namespace',
      status: { phase: 'Active' },
      health: 'Current',
    },
    {
      name: 'Namespace ending',
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { phase: 'Terminating' },
      health: 'Terminating',
    },
    {
      name: 'custom kind of a known name',
      apiVersion: 'example.com/v1',
      kind: 'Deployment',
      spec: { replicas: 3 },
      health: 'Current',
    },
  ];
  it.each(cases)('$name: $health', (c) => check(c));
});
