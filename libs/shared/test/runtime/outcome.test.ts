import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import {
  FakeClock,
  type Logger,
  RetryableError,
  StalledError,
  silentLogger,
  WaitingError,
} from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import { describe, expect, it } from 'vitest';
import {
  noteOutcome,
  type RequeueTimes,
  settleError,
  settleOutcome,
} from '../../src/runtime/outcome.ts';
import {
  done,
  type EventInput,
  failed,
  type Outcome,
  retry,
  type StatusDraft,
  stalled,
  waiting,
} from '../../src/runtime/reconciler.ts';
import { createStatusDraft } from '../../src/runtime/status/status-patch.ts';
import { apiError } from './fake-api.ts';

const times: RequeueTimes = {
  intervalMs: 60_000,
  failureIntervalMs: undefined,
  latestRetryMs: undefined,
  dependencyMs: 30_000,
  leastMs: 0,
  jitterPercentage: 0,
  nowMs: 1_000_000,
};

describe('settleOutcome', () => {
  const after = (ms: number, priority: string, forget: boolean) => ({
    how: 'after',
    ms,
    priority,
    forget,
  });

  it.each([
    { name: 'done: the interval', outcome: done(), requeue: after(60_000, 'sync', true) },
    { name: 'done sooner', outcome: done(5), requeue: after(5, 'sync', true) },
    { name: 'done for ever', outcome: done(Infinity), requeue: { how: 'never', forget: true } },
    { name: 'failed: the interval', outcome: failed(), requeue: after(60_000, 'sync', true) },
    { name: 'failed, sooner', outcome: failed(5), requeue: after(5, 'sync', true) },
    { name: 'stalled', outcome: stalled('Bad', 'no'), requeue: { how: 'never', forget: true } },
    { name: 'waiting', outcome: waiting(), requeue: { how: 'never', forget: false } },
    { name: 'until then', outcome: waiting(1_000_500), requeue: after(500, 'change', false) },
    { name: 'overdue', outcome: waiting(999_000), requeue: after(0, 'change', false) },
    { name: 'retry', outcome: retry('again'), requeue: { how: 'backoff' } },
    { name: 'retry soon', outcome: retry('again', 9), requeue: after(9, 'change', false) },
  ])('$name', ({ outcome, requeue }) => {
    expect(settleOutcome(outcome, times).requeue).toEqual(requeue);
  });

  it.each([
    { outcome: done(), succeeded: true, terminal: false },
    { outcome: failed(), succeeded: false, terminal: false },
    { outcome: stalled('Bad', 'no'), succeeded: undefined, terminal: true },
    { outcome: retry('again'), succeeded: undefined, terminal: false },
    { outcome: waiting(), succeeded: undefined, terminal: false },
  ])('tells whether the object is as it should be: $outcome.type', (o) => {
    const { succeeded, terminal } = settleOutcome(o.outcome, times);
    expect({ succeeded, terminal }).toEqual({ succeeded: o.succeeded, terminal: o.terminal });
  });

  it('done without an interval is not repeated', () => {
    const settlement = settleOutcome(done(), { ...times, intervalMs: undefined });
    expect(settlement.requeue).toEqual({ how: 'never', forget: true });
  });

  it('spreads the interval by the jitter', () => {
    const all = Array.from({ length: 200 }, () => {
      const { requeue } = settleOutcome(done(), { ...times, jitterPercentage: 10 });
      return requeue.how === 'after' ? requeue.ms : Number.NaN;
    });
    expect(Math.min(...all)).toBeGreaterThanOrEqual(54_000);
    expect(Math.max(...all)).toBeLessThanOrEqual(66_000);
    expect(new Set(all).size).toBeGreaterThan(100);
  });
});

describe('noteOutcome', () => {
  const lastTransitionTime = '2025-01-01T00:00:00Z';
  const before = {
    status: 'True',
    reason: 'Before',
    message: 'before',
    lastTransitionTime,
  } as const;

  /** Returns conditions and generation after an outcome that followed something else. */
  function noted(outcome: Outcome, types: string[]) {
    const conditions = types.map((type) => ({ ...before, type }));
    const draft = createStatusDraft<GitRepository>({
      object: {
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name: 'app', namespace: 'ns', generation: 2 },
        spec: { url: 'http://localhost/app', interval: '1m' },
        status: { conditions },
      },
      kind: gitRepositoryKind,
      client: {} as KubeClient,
      clock: new FakeClock(),
      controllerName: 'source-controller',
    });
    noteOutcome(outcome, draft);
    const { observedGeneration } = draft.status;
    const shown = draft.status.conditions?.map((c) => [c.type, c.status, c.reason, c.message]);
    return { conditions: shown, observedGeneration };
  }
  const ready = ['Ready', 'True', 'Before', 'before'];
  const all = ['Ready', 'Reconciling', 'Stalled'];

  it.each([done(), failed()])('$type leaves Ready alone', (outcome) => {
    expect(noted(outcome, all)).toEqual({ conditions: [ready], observedGeneration: 2 });
  });

  it('a retry is Reconciling and observes nothing', () => {
    const reconciling = ['Reconciling', 'True', 'ProgressingWithRetry', 'again'];
    expect(noted(retry('again'), ['Ready', 'Stalled'])).toEqual({
      conditions: [ready, reconciling],
    });
  });

  it('what stalled says why', () => {
    const conditions = [ready, ['Stalled', 'True', 'Bad', 'no']];
    expect(noted(stalled('Bad', 'no'), all)).toEqual({ conditions, observedGeneration: 2 });
  });

  it('what waits is as the reconcile has said', () => {
    expect(noted(waiting(), all).conditions).toHaveLength(3);
  });

  it('an object without conditions gets no status', () => {
    expect(noted(done(), [])).toEqual({ conditions: [] });
  });
});

async function settle(thrown: unknown, options: Partial<RequeueTimes> & { message?: string } = {}) {
  const events: EventInput[] = [];
  const failures: unknown[] = [];
  const logged: { level: string; fields: Record<string, unknown> }[] = [];
  const { message, ...changed } = options;
  const status = {
    getCondition: () =>
      message === undefined ? undefined : { reason: 'DependencyNotReady', message },
    failed: (...args: unknown[]) => failures.push(args),
  } as unknown as StatusDraft<never>;
  const record = (level: string) => (fields: Record<string, unknown>) =>
    void logged.push({ level, fields });
  const logger = {
    ...silentLogger,
    info: record('info'),
    error: record('error'),
  } as unknown as Logger;
  const settlement = await settleError(thrown, {
    status,
    logger,
    times: { ...times, ...changed },
    event: async (event) => void events.push(event),
  });
  return { settlement, events, failed: failures, logged };
}

describe('settleError', () => {
  it.each([
    {
      name: 'stalled',
      thrown: new StalledError('InvalidURL', 'bad'),
      stalled: true,
      severity: 'error',
      terminal: true,
      requeue: { how: 'never', forget: true },
    },
    {
      name: 'retryable',
      thrown: new RetryableError('GitFailed', 'bad', { retryAfterMs: 5000 }),
      stalled: false,
      severity: 'error',
      terminal: false,
      requeue: { how: 'backoff', atLeastMs: 5000 },
    },
    {
      name: 'waiting',
      thrown: new WaitingError('DependencyNotReady', 'bad'),
      stalled: false,
      severity: 'info',
      terminal: false,
      requeue: { how: 'after', ms: 30_000, priority: 'sync', forget: true },
    },
    {
      name: 'waiting for a given time',
      thrown: new WaitingError('DependencyNotReady', 'bad', { retryAfterMs: 12 }),
      stalled: false,
      severity: 'info',
      terminal: false,
      requeue: { how: 'after', ms: 12, priority: 'sync', forget: true },
    },
  ])('$name', async ({ thrown, stalled, severity, terminal, requeue }) => {
    const { settlement, events, failed, logged } = await settle(thrown);
    expect(failed).toEqual([[thrown.reason, 'bad', { stalled }]]);
    expect(events).toMatchObject([{ severity, reason: thrown.reason, message: 'bad' }]);
    expect(logged.map((l) => l.level)).toEqual([severity]);
    expect(settlement).toMatchObject({ terminal, requeue });
  });

  it('retries after the failure interval, but not before the time asked for', async () => {
    const error = new RetryableError('GitFailed', 'bad', { retryAfterMs: 90_000 });
    const soon = await settle(new RetryableError('GitFailed', 'bad'), {
      failureIntervalMs: 60_000,
    });
    const late = await settle(error, { failureIntervalMs: 60_000 });
    expect(soon.settlement.requeue).toMatchObject({ how: 'after', ms: 60_000 });
    expect(late.settlement.requeue).toMatchObject({ how: 'after', ms: 90_000 });
  });

  it.each([
    { name: 'a failure', thrown: new RetryableError('GitFailed', 'bad') },
    { name: 'a bug', thrown: new TypeError('bad') },
    { name: 'a refusal of the API server', thrown: apiError(503, 'ServiceUnavailable') },
  ])('retries $name no later than at the latest', async ({ thrown }) => {
    const { settlement } = await settle(thrown, { latestRetryMs: 60_000 });
    expect(settlement.requeue).toEqual({ how: 'backoff', atMostMs: 60_000 });
    const least = await settle(thrown, { latestRetryMs: 1, leastMs: 1000 });
    expect(least.settlement.requeue).toEqual({ how: 'backoff', atMostMs: 1000 });
  });

  it('emits no event for waiting as before', async () => {
    const error = new WaitingError('DependencyNotReady', 'b is not ready');
    expect((await settle(error, { message: 'b is not ready' })).events).toEqual([]);
    expect((await settle(error, { message: 'c is not ready' })).events).toHaveLength(1);
  });

  it('shows nothing of what cannot be shown, and knows the message again without it', async () => {
    const error = new WaitingError('DependencyNotReady', 'the server says: fatal\u0000');
    const { events, failed } = await settle(error);
    expect(failed).toEqual([['DependencyNotReady', 'the server says: fatal', { stalled: false }]]);
    expect(events).toMatchObject([{ message: 'the server says: fatal' }]);
    const again = await settle(error, { message: 'the server says: fatal' });
    expect(again.events).toEqual([]);
  });

  it('emits an event for each failure, the same ones included', async () => {
    const error = new RetryableError('DependencyNotReady', 'same');
    expect((await settle(error, { message: 'same' })).events).toHaveLength(1);
  });

  it('passes the metadata of the error on', async () => {
    const metadata = { revision: 'main@sha1:1' };
    const { events } = await settle(new RetryableError('BuildFailed', 'bad', { metadata }));
    expect(events[0]?.metadata).toEqual(metadata);
  });

  it('takes a refusal of the API server for a failure, not for a bug', async () => {
    const { settlement, failed, logged } = await settle(apiError(503, 'ServiceUnavailable'));
    expect(failed).toEqual([['APIRequestFailed', 'ServiceUnavailable', { stalled: false }]]);
    expect(logged[0]?.fields).not.toHaveProperty('stack');
    expect(settlement.requeue.how).toBe('backoff');
  });

  it.each([
    { name: 'an error', thrown: new TypeError('x is undefined'), message: 'x is undefined' },
    { name: 'a string', thrown: 'oops', message: 'oops' },
  ])('takes $name for a bug: logged with its stack, retried with backoff', async (o) => {
    const { settlement, failed, logged } = await settle(o.thrown, { failureIntervalMs: 60_000 });
    expect(failed).toEqual([['InternalError', `Internal error: ${o.message}`, { stalled: false }]]);
    expect(settlement.requeue).toEqual({ how: 'backoff' });
    expect(logged[0]?.level).toBe('error');
    expect(logged[0]?.fields).toHaveProperty('stack');
  });
});
