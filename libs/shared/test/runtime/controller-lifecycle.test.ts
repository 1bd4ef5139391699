import { RetryableError } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeadershipLostError } from '../../src/runtime/leader/leadership.ts';
import { done, type Outcome, retry } from '../../src/runtime/reconciler.ts';
import { gate, ToyController } from './toy-controller.ts';

const finalizers = ['finalizers.fluxcd.io'];
let toy: ToyController;

beforeEach(() => {
  toy = new ToyController();
});

afterEach(() => toy.end());

describe('the finalizer', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';

  it('is on the object before the first effect, once, beside those of others', async () => {
    let seen: string[] | undefined;
    toy.behave = async ({ object }) => {
      seen = object.metadata.finalizers;
      return done();
    };
    toy.start({ finalize: async () => done() });
    toy.see('a', { metadata: { finalizers: ['theirs'] } });
    await toy.settle();
    toy.controller.enqueue('ns/a');
    await toy.settle();
    expect(seen).toEqual(['theirs', ...finalizers]);
    expect(toy.api.writes().filter((w) => w.subresource === undefined)).toHaveLength(1);
  });

  it('goes when finalize is done, and not before', async () => {
    let outcome: Outcome = retry('again', 1000);
    toy.start({ finalize: async () => outcome });
    toy.see('a', { metadata: { finalizers: [...finalizers, 'theirs'], deletionTimestamp } });
    await toy.settle();
    expect(toy.stored('a').metadata.finalizers).toContain('finalizers.fluxcd.io');
    outcome = done();
    await toy.clock.advance(1000);
    expect(toy.stored('a').metadata.finalizers).toEqual(['theirs']);
    expect(toy.calls).toHaveLength(0);
  });

  it('goes also from a suspended object and from one with a bad interval', async () => {
    toy.start({ finalize: async () => done() });
    const spec = { suspend: true, interval: '1y' };
    toy.see('a', { spec, metadata: { finalizers, deletionTimestamp } });
    await toy.settle();
    expect(toy.stored('a').metadata.finalizers).toEqual([]);
  });

  it('is neither put on nor left on an object that need not be held', async () => {
    let isHeld = false;
    toy.start({ finalize: async () => done(), isHeld: () => isHeld });
    toy.see('a');
    toy.see('b', { metadata: { finalizers: [...finalizers, 'theirs'] } });
    await toy.settle();
    expect(toy.calls).toHaveLength(2);
    expect(toy.stored('a').metadata.finalizers ?? []).toEqual([]);
    expect(toy.stored('b').metadata.finalizers).toEqual(['theirs']);

    isHeld = true;
    toy.controller.enqueue('ns/a');
    await toy.settle();
    expect(toy.stored('a').metadata.finalizers).toEqual(finalizers);
  });

  it('stays, with the reason in the conditions, while finalize fails', async () => {
    toy.start({ finalize: () => Promise.reject(new RetryableError('PruneFailed', 'denied')) });
    toy.see('a', { metadata: { finalizers, deletionTimestamp } });
    await toy.settle();
    expect(toy.stored('a').metadata.finalizers).toEqual(finalizers);
    expect(toy.ready('a')).toMatchObject({ status: 'False', reason: 'PruneFailed' });
  });

  it('is not put on an object being deleted, which is left alone', async () => {
    toy.start({ finalize: async () => done() });
    toy.see('a', { metadata: { deletionTimestamp } });
    await toy.settle();
    expect(toy.api.writes()).toEqual([]);
    expect(toy.calls).toHaveLength(0);
  });
});

describe('shutdown', () => {
  it('takes no new work and lets what runs finish', async () => {
    const first = gate();
    toy.behave = () => first.promise;
    toy.start({}, 1);
    toy.see('a');
    toy.see('b');
    await toy.settle();
    toy.stop.abort();
    await toy.clock.advance(4999);
    expect(toy.calls[0]?.signal.aborted).toBe(false);
    first.open();
    await toy.running;
    expect(toy.names()).toEqual(['a']);
  });

  it('aborts what does not finish in time, without a trace in the status', async () => {
    toy.behave = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.stop.abort();
    await toy.clock.advance(5000);
    await toy.running;
    expect(toy.api.writes()).toEqual([]);
    expect(toy.events).toEqual([]);
  });

  it('aborts at once when the leadership is lost', async () => {
    toy.behave = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.stop.abort(new LeadershipLostError('taken'));
    await toy.running;
    expect(toy.calls[0]?.signal.aborted).toBe(true);
  });
});
