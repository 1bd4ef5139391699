import type { KubeObject } from '@sluice/shared/api';
import { expiredJob, removesItself } from '@sluice/shared/engine';
import { expect, it } from 'vitest';

const ended = Date.parse('2030-01-01T00:00:00Z');

function job(ttl: number | undefined, ...conditions: [string, string][]): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'x', namespace: 'ns' },
    spec: { ...(ttl !== undefined && { ttlSecondsAfterFinished: ttl }) },
    status: {
      conditions: conditions.map(([type, status]) => ({
        type,
        status,
        lastTransitionTime: '2030-01-01T00:00:00Z',
      })),
    },
  } as KubeObject;
}

it.each([
  {
    name: 'succeeded, time over',
    object: job(60, ['Complete', 'True']),
    after: 60,
    end: 'succeeded',
  },
  { name: 'failed, time over', object: job(0, ['Failed', 'True']), after: 0, end: 'failed' },
  {
    name: 'succeeded, time not over',
    object: job(60, ['Complete', 'True']),
    after: 30,
    end: undefined,
  },
  {
    name: 'not ended',
    object: job(0, ['Suspended', 'True'], ['Complete', 'False']),
    after: 90,
    end: undefined,
  },
  {
    name: 'without a time to live',
    object: job(undefined, ['Complete', 'True']),
    after: 90,
    end: undefined,
  },
])('a Job that is gone: $name', ({ object, after, end }) => {
  expect(expiredJob(object, ended + after * 1000)).toBe(end);
});

it('only Jobs with a time to live remove themselves', () => {
  expect(removesItself(job(0))).toBe(true);
  expect(removesItself(job(undefined))).toBe(false);
  expect(removesItself({ ...job(5), apiVersion: 'example.com/v1' })).toBe(false);
});
