import { describe, expect, test } from 'vitest';
import { recordHistory } from '../../src/kustomization/history.ts';

const record = (digest: string, status: string, second: number, more: object = {}) => ({
  digest,
  status,
  revision: `r${second}`,
  originRevision: undefined,
  nowMs: second * 1000,
  durationMs: 1500,
  ...more,
});

describe('recordHistory', () => {
  test('adds a new outcome in front', () => {
    const first = recordHistory(undefined, record('sha256:a', 'ReconciliationSucceeded', 1));
    const second = recordHistory(first, record('sha256:b', 'HealthCheckFailed', 2));
    expect(second.map((entry) => entry.digest)).toEqual(['sha256:b', 'sha256:a']);
    expect(second[0]).toEqual({
      digest: 'sha256:b',
      firstReconciled: '1970-01-01T00:00:02Z',
      lastReconciled: '1970-01-01T00:00:02Z',
      lastReconciledDuration: '1.5s',
      lastReconciledStatus: 'HealthCheckFailed',
      totalReconciliations: 1,
      metadata: { revision: 'r2' },
    });
  });

  test('brings the entry of the same digest and status up to date, and to the front', () => {
    let history = recordHistory(undefined, record('sha256:a', 'ReconciliationSucceeded', 1));
    history = recordHistory(history, record('sha256:b', 'ReconciliationSucceeded', 2));
    const origin = { originRevision: 'main@sha1:1' };
    history = recordHistory(history, record('sha256:a', 'ReconciliationSucceeded', 3, origin));
    expect(history).toHaveLength(2);
    expect(history[0]).toMatchObject({
      digest: 'sha256:a',
      firstReconciled: '1970-01-01T00:00:01Z',
      lastReconciled: '1970-01-01T00:00:03Z',
      totalReconciliations: 2,
      metadata: { revision: 'r3', originRevision: 'main@sha1:1' },
    });
  });

  test('keeps a failure and a success of the same digest apart', () => {
    const failed = recordHistory(undefined, record('sha256:a', 'HealthCheckFailed', 1));
    const both = recordHistory(failed, record('sha256:a', 'ReconciliationSucceeded', 2));
    expect(both.map((entry) => entry.totalReconciliations)).toEqual([1, 1]);
  });

  test('keeps the last five', () => {
    let history: ReturnType<typeof recordHistory> = [];
    for (let n = 1; n <= 7; n++) history = recordHistory(history, record(`sha256:${n}`, 'S', n));
    expect(history.map((entry) => entry.digest)).toEqual([7, 6, 5, 4, 3].map((n) => `sha256:${n}`));
  });
});
