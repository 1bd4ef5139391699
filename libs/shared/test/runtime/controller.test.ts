import { RetryableError, StalledError, WaitingError } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { done, retry, waiting } from '../../src/runtime/reconciler.ts';
import { gate, ToyController } from './toy-controller.ts';

const requestedAt = 'reconcile.fluxcd.io/requestedAt';
let toy: ToyController;

beforeEach(() => {
  toy = new ToyController();
});

afterEach(() => toy.end());

describe('what leads to a reconcile', () => {
  it('is an object that is new, and the interval from then on', async () => {
    toy.start();
    toy.see('a');
    await toy.settle();
    expect(toy.names()).toEqual(['a']);
    await toy.clock.advance(599_999);
    expect(toy.calls).toHaveLength(1);
    await toy.clock.advance(1);
    expect(toy.calls).toHaveLength(2);
    expect(toy.calls[1]?.priority).toBe('sync');
  });

  it('is not an interval below the least one', async () => {
    toy.start({ failureInterval: () => 1 }, 2, { leastIntervalMs: 1000 });
    toy.see('a', { spec: { interval: '1ms' } });
    await toy.clock.advance(999);
    expect(toy.calls).toHaveLength(1);
    toy.behave = () => Promise.reject(new RetryableError('GitFailed', 'no route'));
    await toy.clock.advance(1);
    expect(toy.calls).toHaveLength(2);
    await toy.clock.advance(999);
    expect(toy.calls).toHaveLength(2);
    toy.behave = async () => retry('again', 1);
    await toy.clock.advance(1);
    expect(toy.calls).toHaveLength(3);
    await toy.clock.advance(999);
    expect(toy.calls).toHaveLength(3);
  });

  it('is not an interval of zero', async () => {
    toy.start();
    toy.see('a', { spec: { interval: '0s' } });
    await toy.clock.advance(60_000);
    expect(toy.calls).toHaveLength(1);
  });

  it.each([
    { name: 'a new generation', metadata: { generation: 2 }, priority: 'change' },
    { name: 'a request', metadata: { annotations: { [requestedAt]: 'now' } }, priority: 'request' },
    {
      name: 'a request by force',
      metadata: { annotations: { 'reconcile.fluxcd.io/forceAt': 'now' } },
      priority: 'request',
    },
  ])('is $name', async ({ metadata, priority }) => {
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.see('a', { metadata });
    await toy.settle();
    expect(toy.calls.map((c) => c.priority)).toEqual(['change', priority]);
  });

  it.each([
    { name: 'the status', change: { status: { lastHandledReconcileAt: 'x' } } },
    { name: 'a label', change: { metadata: { labels: { a: 'b' } } } },
    { name: 'another annotation', change: { metadata: { annotations: { a: 'b' } } } },
    { name: 'a finalizer', change: { metadata: { finalizers: ['x'] } } },
  ])('is not a change of $name', async ({ change }) => {
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.see('a', change);
    await toy.settle();
    expect(toy.calls).toHaveLength(1);
  });

  it('is not a suspended object, whatever its interval, until it is resumed', async () => {
    toy.start();
    toy.see('a', { spec: { suspend: true } });
    await toy.clock.advance(3_600_000);
    expect(toy.calls).toHaveLength(0);
    expect(toy.api.writes()).toEqual([]);
    toy.see('a', { metadata: { generation: 2 } });
    await toy.settle();
    expect(toy.calls).toHaveLength(1);
  });

  it('is an explicit call, with delay if wanted', async () => {
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.controller.enqueue('ns/a', { priority: 'drift' });
    await toy.settle();
    toy.controller.enqueue('ns/a', { afterMs: 50 });
    await toy.clock.advance(50);
    expect(toy.calls.map((c) => c.priority)).toEqual(['change', 'drift', 'change']);
  });
});

describe('a reconcile', () => {
  it('never runs twice at once for one key, and again after a change meanwhile', async () => {
    const first = gate();
    toy.behave = () => first.promise;
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.see('a', { metadata: { generation: 2 } });
    await toy.settle();
    expect(toy.calls).toHaveLength(1);
    toy.behave = async () => done();
    first.open();
    await toy.settle();
    expect(toy.calls.map((c) => c.object.metadata.generation)).toEqual([1, 2]);
  });

  it('runs for no more keys at once than allowed', async () => {
    const all = gate();
    toy.behave = () => all.promise;
    toy.start({}, 2);
    for (const name of ['a', 'b', 'c']) toy.see(name);
    await toy.settle();
    expect(toy.names()).toEqual(['a', 'b']);
    all.open();
    await toy.settle();
    expect(toy.names()).toEqual(['a', 'b', 'c']);
  });

  it('of one namespace never holds the slot that is for others', async () => {
    const slow = gate();
    toy.behave = async ({ object, status }) => {
      if (object.metadata.namespace === 'ns') return slow.promise;
      status.ready('Succeeded', 'fine');
      return done();
    };
    toy.start({}, 2);
    for (const name of ['a', 'b', 'c', 'd']) toy.see(name);
    for (const name of ['x', 'y', 'z']) toy.see(name, { metadata: { namespace: 'other' } });
    await toy.settle();
    const seen = toy.names().toSorted();
    slow.open();
    await toy.settle();
    expect(seen).toEqual(['a', 'b', 'x', 'y', 'z']);
    expect(toy.names().slice(5)).toEqual(['c', 'd']);
  });

  it('sees its own last write although the informer is late', async () => {
    toy.start();
    const late = toy.write('a');
    toy.informer.see(late);
    await toy.settle();
    toy.controller.enqueue('ns/a');
    await toy.settle();
    expect(toy.informer.get('ns/a')?.status).toBeUndefined();
    expect(toy.calls[1]?.object.status?.observedGeneration).toBe(1);
    toy.informer.see(toy.stored('a'));
    toy.see('a', { metadata: { generation: 2 }, spec: { url: 'http://localhost/new' } });
    await toy.settle();
    expect(toy.calls[2]?.object.spec.url).toBe('http://localhost/new');
  });

  it('that waits holds no slot, and runs again at its deadline', async () => {
    toy.behave = async () => waiting(toy.clock.now() + 90_000);
    toy.start({}, 1);
    toy.see('a');
    toy.see('b');
    await toy.settle();
    expect(toy.names()).toEqual(['a', 'b']);
    await toy.clock.advance(89_999);
    expect(toy.calls).toHaveLength(2);
    await toy.clock.advance(1);
    expect(toy.calls).toHaveLength(4);
  });

  it('overtakes what was scheduled for the key before', async () => {
    toy.behave = async () => waiting(toy.clock.now() + 1000);
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.behave = async () => done();
    toy.controller.enqueue('ns/a');
    await toy.settle();
    await toy.clock.advance(60_000);
    expect(toy.calls).toHaveLength(2);
  });

  it.each([
    { outcome: retry('again'), afterMs: 1000 },
    { outcome: retry('again', 4000), afterMs: 4000 },
    { outcome: done(2000), afterMs: 2000 },
  ])('that returns $outcome runs again within $afterMs ms', async ({ outcome, afterMs }) => {
    toy.behave = async () => outcome;
    toy.start();
    toy.see('a');
    await toy.clock.advance(afterMs);
    expect(toy.calls).toHaveLength(2);
  });

  it('of a deleted key is not repeated, and nothing of it is kept', async () => {
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.informer.lose('ns/a');
    await toy.clock.advance(3_600_000);
    expect(toy.calls).toHaveLength(1);
    expect(toy.clock.pending).toBe(0);
  });
});

describe('requests', () => {
  it('are marked as handled in the last write, together with the conditions', async () => {
    toy.behave = async ({ status }) => {
      status.reconciling('Progressing', 'working');
      await status.patch();
      status.ready('Succeeded', 'fine');
      return done();
    };
    toy.start();
    toy.see('a', { metadata: { annotations: { [requestedAt]: 'now' } } });
    await toy.settle();
    const bodies = toy.api.writes().map((w) => JSON.stringify(w.body));
    expect(bodies.map((b) => b.includes('lastHandledReconcileAt'))).toEqual([false, true]);
    expect(toy.stored('a').status).toMatchObject({
      lastHandledReconcileAt: 'now',
      observedGeneration: 1,
    });
  });

  it('are marked as handled when they fail', async () => {
    toy.behave = () => Promise.reject(new RetryableError('BuildFailed', 'no such file'));
    toy.start();
    toy.see('a', { metadata: { annotations: { [requestedAt]: 'now' } } });
    await toy.settle();
    expect(toy.stored('a').status?.lastHandledReconcileAt).toBe('now');
    expect(toy.ready('a')?.reason).toBe('BuildFailed');
  });

  it('are not marked as handled while they wait', async () => {
    toy.behave = async () => waiting(toy.clock.now() + 1000);
    toy.start();
    toy.see('a', { metadata: { annotations: { [requestedAt]: 'now' } } });
    await toy.settle();
    expect(toy.stored('a').status?.lastHandledReconcileAt).toBeUndefined();
    toy.behave = async () => done();
    await toy.clock.advance(1000);
    expect(toy.stored('a').status?.lastHandledReconcileAt).toBe('now');
  });
});

describe('a failure', () => {
  it('that stalls is not tried again before the object changes', async () => {
    toy.behave = () => Promise.reject(new StalledError('InvalidURL', 'bad url'));
    toy.start();
    toy.see('a');
    await toy.clock.advance(3_600_000);
    expect(toy.calls).toHaveLength(1);
    expect(toy.stored('a').status?.observedGeneration).toBe(1);
    expect(toy.events).toEqual([
      { severity: 'error', reason: 'InvalidURL', message: 'bad url', metadata: undefined },
    ]);
  });

  it('that may pass is retried with growing delays, which start anew after a success', async () => {
    toy.behave = () => Promise.reject(new RetryableError('GitFailed', 'no route'));
    toy.start();
    toy.see('a');
    await toy.clock.advance(1000);
    expect(toy.calls).toHaveLength(2);
    await toy.clock.advance(2000);
    expect(toy.calls.length).toBeGreaterThanOrEqual(3);
    toy.behave = async () => done();
    await toy.clock.advance(60_000);
    const before = toy.calls.length;
    toy.behave = () => Promise.reject(new RetryableError('GitFailed', 'no route'));
    toy.controller.enqueue('ns/a');
    await toy.clock.advance(1000);
    expect(toy.calls).toHaveLength(before + 2);
  });

  it('is retried after the interval for failures when there is one', async () => {
    toy.behave = () => Promise.reject(new RetryableError('GitFailed', 'no route'));
    toy.start({ failureInterval: () => 20_000 });
    toy.see('a');
    await toy.clock.advance(19_999);
    expect(toy.calls).toHaveLength(1);
    await toy.clock.advance(1);
    expect(toy.calls).toHaveLength(2);
  });

  it('that waits for something is retried by the fallback timer', async () => {
    toy.behave = () => Promise.reject(new WaitingError('DependencyNotReady', 'ns/b is not ready'));
    toy.start();
    toy.see('a');
    await toy.clock.advance(6_999);
    expect(toy.calls).toHaveLength(1);
    await toy.clock.advance(1);
    expect(toy.calls).toHaveLength(2);
    expect(toy.events).toHaveLength(1);
  });

  it('of one object affects no other', async () => {
    toy.behave = async ({ object, status }) => {
      if (object.metadata.name === 'bad') throw new TypeError('x is undefined');
      status.ready('Succeeded', 'fine');
      return done();
    };
    toy.start({}, 1);
    toy.see('bad');
    toy.see('good');
    await toy.settle();
    expect(toy.ready('bad')).toMatchObject({ status: 'False', reason: 'InternalError' });
    expect(toy.ready('good')?.status).toBe('True');
  });

  it('because of an interval that is none stalls the object before anything is done', async () => {
    toy.start();
    toy.see('a', { spec: { interval: '1y' } });
    await toy.clock.advance(60_000);
    expect(toy.calls).toHaveLength(0);
    expect(toy.ready('a')).toMatchObject({ status: 'False', reason: 'InvalidInterval' });
    expect(toy.ready('a')?.message).toContain('1y');
  });

  it('to write the status is retried', async () => {
    let refuse = true;
    toy.api.before = () => {
      if (refuse) throw new TypeError('connection reset');
    };
    toy.start();
    toy.see('a');
    await toy.settle();
    refuse = false;
    await toy.clock.advance(1000);
    expect(toy.ready('a')?.status).toBe('True');
  });

  it('because the object is gone is none', async () => {
    toy.behave = async ({ status }) => {
      toy.api.objects.clear();
      status.ready('Succeeded', 'fine');
      return done();
    };
    toy.start();
    toy.see('a');
    await toy.clock.advance(60_000);
    expect(toy.calls).toHaveLength(1);
    expect(toy.events).toEqual([]);
  });
});
