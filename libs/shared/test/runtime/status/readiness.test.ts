import type { KubeObject } from '@sluice/shared/api';
import { expect, it } from 'vitest';
import { whyUnready } from '../../../src/runtime/status/readiness.ts';

function object(
  generation: number,
  observedGeneration: number,
  status?: string,
  message = '',
): KubeObject {
  const conditions = status ? [{ type: 'Ready', status, reason: 'BuildFailed', message }] : [];
  return {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'a', generation },
    status: { observedGeneration, conditions },
  } as KubeObject;
}

it.each([
  { name: 'ready', dependency: object(2, 2, 'True'), why: undefined },
  { name: 'missing', dependency: undefined, why: 'it does not exist' },
  {
    name: 'ready for an older spec',
    dependency: object(2, 1, 'True'),
    why: 'its latest change is not reconciled yet',
  },
  { name: 'failed', dependency: object(2, 2, 'False'), why: 'it is not ready (BuildFailed)' },
  { name: 'silent', dependency: object(2, 2), why: 'it has no Ready condition yet' },
  {
    name: 'without a status',
    dependency: { apiVersion: 'v1', kind: 'X', metadata: { name: 'a', generation: 1 } },
    why: 'its latest change is not reconciled yet',
  },
])('a dependency that is $name', ({ dependency, why }) => {
  expect(whyUnready(dependency)).toBe(why);
});

it('is quoted about its failure only where that may be told', () => {
  const failed = object(2, 1, 'False', 'no such chart');
  expect(whyUnready(failed)).toBe('its latest change is not reconciled yet');
  expect(whyUnready(failed, { quote: true })).toBe('it is not ready (BuildFailed): no such chart');
});
