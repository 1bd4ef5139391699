import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { type ToldFailure, unsaidEnd } from '../../src/incident/unsaid-end.ts';
import { eventOf } from '../objects.ts';

const object = eventOf().involvedObject;
const secondMs = 1000;
const nowMs = 100 * secondMs;

const failed = (saidAt: number, reason = 'BuildFailed'): ToldFailure => ({
  reason,
  saidAt,
  at: saidAt + 10,
});

/** The object, Ready since a time unless told. */
function present(
  sinceMs: number,
  o: { uid?: string; ready?: string; observed?: number; tests?: string } = {},
): KubeObject {
  const condition = (type: string, status: string) => ({
    type,
    status,
    reason: 'Test',
    message: 'all is well',
    lastTransitionTime: new Date(sinceMs).toISOString(),
  });
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'web', namespace: 'apps', uid: o.uid ?? object.uid, generation: 2 },
    status: {
      observedGeneration: o.observed ?? 2,
      conditions: [
        condition('Ready', o.ready ?? 'True'),
        ...(o.tests ? [condition('TestSuccess', o.tests)] : []),
      ],
    },
  } as KubeObject;
}

const endOf = (now: KubeObject | undefined, ...failures: ToldFailure[]) => {
  const end = unsaidEnd({ object, failures }, now, nowMs);
  return end && { reason: end.event.reason, message: end.event.message, at: end.at };
};
const ready = { reason: 'ObjectReady', message: 'all is well', at: nowMs };
const gone = { reason: 'ObjectDeleted', message: 'The object was deleted', at: nowMs };

describe('failures of an object end without an event', () => {
  test('when it is gone, or another one has its name', () => {
    expect(endOf(undefined, failed(secondMs))).toEqual(gone);
    expect(endOf(present(0, { uid: 'another', ready: 'False' }), failed(secondMs))).toEqual(gone);
  });

  test('when it became Ready after them, or within the same second', () => {
    expect(endOf(present(20 * secondMs), failed(10 * secondMs))).toEqual(ready);
    expect(endOf(present(20 * secondMs), failed(20 * secondMs + 999))).toEqual(ready);
  });

  test('not while it is not Ready, or not for its present spec', () => {
    const failure = failed(10 * secondMs);
    expect(endOf(present(20 * secondMs, { ready: 'False' }), failure)).toBeUndefined();
    expect(endOf(present(20 * secondMs, { ready: 'Unknown' }), failure)).toBeUndefined();
    expect(endOf(present(20 * secondMs, { observed: 1 }), failure)).toBeUndefined();
  });

  test('not when they were told while it was Ready, which earlier ones do not share', () => {
    const warning = failed(30 * secondMs, 'PruneRefused');
    expect(endOf(present(20 * secondMs), warning)).toBeUndefined();
    expect(endOf(present(20 * secondMs), failed(10 * secondMs), warning)).toEqual({
      ...ready,
      at: warning.at - 1,
    });
  });

  test('but for failures of tests that still fail', () => {
    const tests = failed(10 * secondMs, 'TestFailed');
    const untested = present(20 * secondMs, { tests: 'False' });
    expect(endOf(untested, tests)).toBeUndefined();
    expect(endOf(untested, tests, failed(11 * secondMs))).toEqual({
      ...ready,
      reason: 'ObjectReadyWithoutTests',
    });
    expect(endOf(present(20 * secondMs, { tests: 'True' }), tests)).toEqual(ready);
  });
});
