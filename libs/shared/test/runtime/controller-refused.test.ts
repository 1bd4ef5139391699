import type { GitRepository } from '@sluice/shared/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { done } from '../../src/runtime/reconciler.ts';
import { gate, ToyController } from './toy-controller.ts';

const finalizers = ['finalizers.fluxcd.io'];
const deletionTimestamp = '2026-01-01T00:00:00Z';
let toy: ToyController;

beforeEach(() => {
  toy = new ToyController();
});

afterEach(() => toy.end());

/** Shows an object of which the spec is not what the schema asks for. */
function seeWrong(name: string, spec: unknown, metadata: object = {}): void {
  const object = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name, namespace: 'ns', generation: 1, ...metadata },
    spec,
  } as GitRepository;
  toy.informer.see(toy.api.put('gitrepositories', object));
}

describe('an object with a wrong spec', () => {
  it.each([
    { name: 'none', spec: undefined, says: 'spec is missing: write the GitRepository with a spec' },
    { name: 'null', spec: null, says: 'spec is missing: write the GitRepository with a spec' },
    { name: 'a list', spec: [], says: 'spec is a list: write a map' },
    { name: 'no url', spec: { interval: '1m' }, says: 'spec.url is missing: it is required' },
    {
      name: 'a map of another type',
      spec: { interval: '1m', url: 'x', secretRef: 'x' },
      says: 'spec.secretRef is a string: write a map',
    },
  ])('stalls with the first wrong field and an event, and nothing else: $name', async (o) => {
    toy.start({ finalize: async () => done(), cause: ({ spec }) => spec.url });
    seeWrong('bad', o.spec);
    toy.see('good');
    await toy.clock.advance(600_000);
    expect(toy.names()).not.toContain('bad');
    const { conditions = [] } = toy.stored('bad').status ?? {};
    expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Ready', 'False', 'InvalidSpec'],
      ['Stalled', 'True', 'InvalidSpec'],
    ]);
    expect(conditions[0]?.message).toBe(o.says);
    expect(toy.events).toMatchObject([{ severity: 'error', reason: 'InvalidSpec' }]);
    expect(toy.stored('bad').metadata.finalizers).toBeUndefined();
    expect(toy.ready('good')?.status).toBe('True');
  });

  it('is reconciled once it is corrected', async () => {
    toy.start();
    seeWrong('a', undefined);
    await toy.settle();
    toy.see('a', { metadata: { generation: 2 } });
    await toy.settle();
    expect(toy.ready('a')?.status).toBe('True');
  });

  it('is finalized without its wrong fields', async () => {
    let seen: unknown;
    toy.start({
      finalize: async ({ object }) => {
        seen = object.spec;
        return done();
      },
    });
    const spec = { interval: '1m', url: 'x', secretRef: 'x' };
    seeWrong('a', spec, { finalizers, deletionTimestamp });
    seeWrong('b', undefined, { finalizers, deletionTimestamp });
    await toy.settle();
    expect(toy.stored('a').metadata.finalizers).toEqual([]);
    expect(toy.stored('b').metadata.finalizers).toEqual([]);
    expect(seen).toEqual({});
  });

  it('keeps its failure to tell a cause to itself', async () => {
    toy.start({
      cause: () => {
        throw new TypeError('x is undefined');
      },
    });
    toy.see('a');
    await toy.settle();
    expect(toy.ready('a')?.status).toBe('True');
  });
});

describe('what runs for an object', () => {
  /** A reconcile that goes on until it is aborted. */
  const untilAborted = ({ signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });

  it('is aborted when the object is being deleted, and the deletion follows', async () => {
    let finalized = 0;
    toy.behave = untilAborted;
    toy.start({
      finalize: async () => {
        finalized += 1;
        return done();
      },
    });
    toy.see('a', { metadata: { finalizers } });
    await toy.settle();
    expect(toy.calls[0]?.signal.aborted).toBe(false);
    toy.see('a', { metadata: { finalizers, deletionTimestamp, generation: 2 } });
    await toy.settle();
    expect(toy.calls[0]?.signal.aborted).toBe(true);
    expect(finalized).toBe(1);
    expect(toy.stored('a').metadata.finalizers).toEqual([]);
    expect(toy.events).toEqual([]);
  });

  it('is aborted when the object is gone, without a trace and without another try', async () => {
    toy.behave = untilAborted;
    toy.start();
    toy.see('a');
    await toy.settle();
    toy.api.objects.clear();
    toy.informer.lose('ns/a');
    await toy.clock.advance(3_600_000);
    expect(toy.calls.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(toy.api.writes()).toEqual([]);
    expect(toy.events).toEqual([]);
  });

  it('is aborted when another object has its name, which is reconciled', async () => {
    toy.behave = async (context) => {
      if (context.object.metadata.uid === 'first') return untilAborted(context);
      context.status.ready('Succeeded', 'fine');
      return done();
    };
    toy.start();
    toy.see('a', { metadata: { uid: 'first' } });
    await toy.settle();
    toy.see('a', { metadata: { uid: 'second' } });
    await toy.settle();
    expect(toy.calls.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(toy.ready('a')?.status).toBe('True');
  });

  it('goes on when the object changes otherwise, or another one is deleted', async () => {
    const first = gate();
    toy.behave = () => first.promise;
    toy.start();
    toy.see('a');
    toy.see('b');
    await toy.settle();
    toy.see('a', { metadata: { generation: 2 } });
    toy.informer.lose('ns/b');
    await toy.settle();
    expect(toy.calls.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    first.open();
    await toy.settle();
  });

  it('goes on when it is the deletion and the object vanishes meanwhile', async () => {
    const first = gate();
    let aborted: boolean | undefined;
    toy.start({
      finalize: async ({ signal }) => {
        const outcome = await first.promise;
        aborted = signal.aborted;
        return outcome;
      },
    });
    toy.see('a', { metadata: { finalizers, deletionTimestamp } });
    await toy.settle();
    toy.informer.lose('ns/a');
    first.open();
    await toy.settle();
    expect(aborted).toBe(false);
  });
});
