import type { KubeObject } from '@sluice/shared/api';
import { expect, it } from 'vitest';
import { reasonToReconcile } from '../../src/runtime/predicates.ts';

const requestedAt = 'reconcile.fluxcd.io/requestedAt';

function object(metadata: object = {}, status: object = {}): KubeObject & { status: object } {
  return {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'a', uid: 'u', generation: 1, ...metadata },
    status,
  };
}

const request = (value: string) => ({ annotations: { [requestedAt]: value } });

it.each([
  { name: 'never reconciled', seen: object(), expected: 'change' },
  { name: 'reconciled', seen: object({}, { observedGeneration: 1 }), expected: 'sync' },
  {
    name: 'changed while nobody watched',
    seen: object({ generation: 2 }, { observedGeneration: 1 }),
    expected: 'change',
  },
  {
    name: 'being deleted',
    seen: object({ deletionTimestamp: 'x' }, { observedGeneration: 1 }),
    expected: 'change',
  },
  {
    name: 'with an open request',
    seen: object(request('b'), { observedGeneration: 1, lastHandledReconcileAt: 'a' }),
    expected: 'request',
  },
  {
    name: 'with a handled request',
    seen: object(request('a'), { observedGeneration: 1, lastHandledReconcileAt: 'a' }),
    expected: 'sync',
  },
])('an object seen first, $name: $expected', ({ seen, expected }) => {
  expect(reasonToReconcile({ type: 'added', object: seen })).toBe(expected);
});

it.each([
  { name: 'nothing', from: {}, to: {}, expected: undefined },
  { name: 'the generation', from: {}, to: { generation: 2 }, expected: 'change' },
  { name: 'the deletion', from: {}, to: { deletionTimestamp: 'x' }, expected: 'change' },
  { name: 'the object itself', from: {}, to: { uid: 'v' }, expected: 'change' },
  { name: 'the request', from: request('a'), to: request('b'), expected: 'request' },
  { name: 'the request, withdrawn', from: request('a'), to: {}, expected: undefined },
  { name: 'the request kept', from: request('a'), to: request('a'), expected: undefined },
  {
    name: 'resetAt',
    from: {},
    to: { annotations: { 'reconcile.fluxcd.io/resetAt': 'b' } },
    expected: 'request',
  },
  { name: 'labels', from: {}, to: { labels: { a: 'b' } }, expected: undefined },
])('an object of which changed $name: $expected', ({ from, to, expected }) => {
  const event = { type: 'modified' as const, object: object(to), previous: object(from) };
  expect(reasonToReconcile(event)).toBe(expected);
});

it('a deleted object is no reason', () => {
  expect(reasonToReconcile({ type: 'deleted', object: object() })).toBeUndefined();
});

it('an ArtifactGenerator goes on as soon as its annotation lets it, as others do by their spec', () => {
  const annotations = { 'source.extensions.fluxcd.io/reconcile': 'Disabled' };
  const kind = { kind: 'ArtifactGenerator' };
  const paused = { ...object({ annotations }), ...kind };
  const running = { ...object(), ...kind };
  const between = (previous: KubeObject, now: KubeObject) =>
    reasonToReconcile({ type: 'modified', object: now, previous });
  expect(between(paused, running)).toBe('change');
  expect(between(running, paused)).toBeUndefined();
  expect(between(object({ annotations }), object())).toBeUndefined();
});
