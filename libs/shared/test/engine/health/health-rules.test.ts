import type { KubeObject } from '@sluice/shared/api';
import { evaluateHealth } from '@sluice/shared/engine';
import { describe, expect, test } from 'vitest';

const apiVersion = 'example.com/v1';
const kind = 'Database';
const rule = {
  apiVersion,
  kind,
  inProgress: "status.phase == 'Working'",
  failed: "status.phase == 'Broken'",
  current: "status.phase == 'Done'",
};
const database = (status?: object, generation = 2) =>
  ({ apiVersion, kind, metadata: { name: 'db', generation }, status }) as KubeObject;
const health = (object: KubeObject, more: object = {}) =>
  evaluateHealth(object, { field: 'spec.healthCheckExprs', exprs: [{ ...rule, ...more }] });

describe('health by expressions', () => {
  test.each([
    { phase: 'Working', expected: 'InProgress' },
    { phase: 'Broken', expected: 'Failed' },
    { phase: 'Done', expected: 'Current' },
    { phase: 'Else', expected: 'InProgress' },
  ])('phase $phase is $expected', ({ phase, expected }) => {
    expect(health(database({ phase })).status).toBe(expected);
    expect(health(database({ phase, observedGeneration: 2 })).status).toBe(expected);
  });

  test.each(['Working', 'Broken', 'Done'])(
    'phase %s of an older generation says nothing of this one',
    (phase) => {
      const found = health(database({ phase, observedGeneration: 1 }));
      expect(found.status).toBe('InProgress');
      expect(found.message).toContain('generation is 2');
    },
  );

  test.each(['inProgress', 'failed', 'current'] as const)(
    'an error of %s is Unknown, with its reason, whatever comes after it',
    (name) => {
      const found = health(database({ phase: 'Done' }), { [name]: 'has(data.foo.bar)' });
      expect(found.status).toBe('Unknown');
      expect(found.message).toContain(`spec.healthCheckExprs[0].${name}`);
    },
  );

  test('a status that is not there yet is Unknown', () => {
    expect(health(database()).status).toBe('Unknown');
  });

  test('an expression after the one that holds is not evaluated', () => {
    expect(health(database({ phase: 'Broken' }), { current: 'nothing.here' }).status).toBe(
      'Failed',
    );
  });
});

test('a Deployment that gets no Pods says what its controller says', () => {
  const message = 'pods "web-1" is forbidden: exceeded quota';
  const conditions = [{ type: 'ReplicaFailure', status: 'True', message }];
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', generation: 1 },
    spec: { replicas: 1 },
    status: { observedGeneration: 1, conditions },
  } as KubeObject;
  const found = evaluateHealth(deployment, { field: '', exprs: undefined });
  expect(found).toEqual({ status: 'InProgress', message: `Replicas: 0/1: ${message}` });
});
