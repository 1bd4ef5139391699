import { describe, it } from 'vitest';
import { type Case, check, condition } from './health-cases.ts';

describe('Deployment', () => {
  const full = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  const done = [
    condition('Progressing', 'True', 'NewReplicaSetAvailable'),
    condition('Available', 'True'),
  ];
  const spec = { replicas: 2, progressDeadlineSeconds: 600 };
  const cases: Case[] = [
    {
      name: 'complete',
      status: { ...full, conditions: done },
      health: 'Current',
      message: 'Deployment is available. Replicas: 2',
    },
    { name: 'without status', health: 'InProgress', message: 'Replicas: 0/2' },
    {
      name: 'not updated',
      status: { ...full, updatedReplicas: 1, conditions: done },
      health: 'InProgress',
      message: 'Updated: 1/2',
    },
    {
      name: 'with old replicas',
      status: { ...full, replicas: 3, conditions: done },
      health: 'InProgress',
      message: 'Pending termination: 1',
    },
    {
      name: 'not available',
      status: { ...full, availableReplicas: 1, conditions: done },
      health: 'InProgress',
      message: 'Available: 1/2',
    },
    {
      name: 'not ready',
      status: { ...full, readyReplicas: 1, conditions: done },
      health: 'InProgress',
      message: 'Ready: 1/2',
    },
    {
      name: 'without a new replica set',
      status: { ...full, conditions: done.slice(1) },
      health: 'InProgress',
      message: 'ReplicaSet not Available',
    },
    {
      name: 'without the condition Available',
      status: { ...full, conditions: done.slice(0, 1) },
      health: 'InProgress',
      message: 'Deployment not Available',
    },
    {
      name: 'past its deadline',
      status: {
        ...full,
        conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')],
      },
      health: 'Failed',
    },
    {
      name: 'scaled to none',
      spec: { replicas: 0 },
      status: { conditions: done.slice(1) },
      health: 'Current',
    },
    {
      name: 'with no number of replicas',
      spec: {},
      status: {
        ...full,
        replicas: 1,
        updatedReplicas: 1,
        availableReplicas: 1,
        readyReplicas: 1,
        conditions: done,
      },
      health: 'Current',
    },
    {
      name: 'without a deadline',
      spec: { replicas: 2, progressDeadlineSeconds: 2147483647 },
      status: { ...full, conditions: done.slice(1) },
      health: 'Current',
    },
  ];
  it.each(cases)('$name: $health', (c) =>
    check(c, { apiVersion: 'apps/v1', kind: 'Deployment', spec }),
  );
});

describe('StatefulSet', () => {
  const full = {
    replicas: 2,
    readyReplicas: 2,
    currentReplicas: 2,
    updatedReplicas: 2,
    currentRevision: 'a',
    updateRevision: 'a',
  };
  const partition = (n: number) => ({
    replicas: 2,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: n } },
  });
  const cases: Case[] = [
    { name: 'complete', status: full, health: 'Current' },
    { name: 'without status', health: 'InProgress', message: 'Replicas: 0/2' },
    {
      name: 'not ready',
      status: { ...full, readyReplicas: 1 },
      health: 'InProgress',
      message: 'Ready: 1/2',
    },
    {
      name: 'with a replica too many',
      status: { ...full, replicas: 3 },
      health: 'InProgress',
      message: 'Pending termination: 1',
    },
    {
      name: 'not current',
      status: { ...full, currentReplicas: 1 },
      health: 'InProgress',
      message: 'current: 1/2',
    },
    { name: 'between revisions', status: { ...full, updateRevision: 'b' }, health: 'InProgress' },
    {
      name: 'updated by deletion',
      spec: { updateStrategy: { type: 'OnDelete' } },
      health: 'Current',
    },
    {
      name: 'before its partition',
      spec: partition(1),
      status: { ...full, updatedReplicas: 0 },
      health: 'InProgress',
      message: 'updated: 0/1',
    },
    {
      name: 'up to its partition',
      spec: partition(1),
      status: { ...full, updatedReplicas: 1, currentReplicas: 1, updateRevision: 'b' },
      health: 'Current',
    },
  ];
  it.each(cases)('$name: $health', (c) =>
    check(c, { apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { replicas: 2 } }),
  );
});

describe('DaemonSet', () => {
  const full = {
    observedGeneration: 1,
    desiredNumberScheduled: 2,
    currentNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
    numberReady: 2,
  };
  const cases: Case[] = [
    { name: 'complete', status: full, health: 'Current' },
    {
      name: 'on no node',
      status: { observedGeneration: 1, desiredNumberScheduled: 0 },
      health: 'Current',
    },
    {
      name: 'not observed',
      health: 'InProgress',
      message: 'DaemonSet status.observedGeneration not found',
    },
    {
      name: 'without a number',
      status: { observedGeneration: 1 },
      health: 'InProgress',
      message: 'Missing .status.desiredNumberScheduled',
    },
    {
      name: 'not scheduled',
      status: { ...full, currentNumberScheduled: 1 },
      health: 'InProgress',
      message: 'Current: 1/2',
    },
    {
      name: 'not updated',
      status: { ...full, updatedNumberScheduled: 1 },
      health: 'InProgress',
      message: 'Updated: 1/2',
    },
    {
      name: 'not available',
      status: { ...full, numberAvailable: 1 },
      health: 'InProgress',
      message: 'Available: 1/2',
    },
    {
      name: 'not ready',
      status: { ...full, numberReady: 1 },
      health: 'InProgress',
      message: 'Ready: 1/2',
    },
  ];
  it.each(cases)('$name: $health', (c) =>
    check(c, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { generation: 1 } }),
  );
  it('without a generation: InProgress', () => {
    check({
      name: '',
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      status: full,
      health: 'InProgress',
    });
  });
});
