import type { KubeObject, ManagedFieldsEntry } from '@sluice/shared/api';
import { AppliedState, objectIdOf } from '@sluice/shared/engine';
import { describe, expect, it } from 'vitest';
import { compactObject } from '../../../src/engine/object/compact-object.ts';
import { identity } from '../engine-objects.ts';

const ours: ManagedFieldsEntry = {
  manager: 'kustomize-controller',
  operation: 'Apply',
  time: '2026-01-01T00:00:00Z',
  fieldsV1: { 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:team': {} } } },
};

interface Parts {
  name?: string;
  version?: string;
  data?: Record<string, string>;
  annotations?: Record<string, string>;
  managedFields?: ManagedFieldsEntry[];
  deletionTimestamp?: string;
}

function configMap({ name = 'x', version = '1', data = { a: '1' }, ...metadata }: Parts = {}) {
  const labels = { team: 'blue' };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'ns',
      resourceVersion: version,
      labels,
      managedFields: [ours],
      ...metadata,
    },
    data,
  } as KubeObject;
}

const id = objectIdOf(configMap());

function recorded(object = configMap()): AppliedState {
  const state = new AppliedState(identity);
  state.record('owner', [object]);
  return state;
}

describe('isDrifted', () => {
  const cases: { name: string; live: KubeObject | undefined; expected: boolean }[] = [
    { name: 'the recorded state', live: configMap(), expected: false },
    {
      name: 'a newer state with the same fields',
      live: configMap({ version: '2' }),
      expected: false,
    },
    {
      name: 'a changed field',
      live: configMap({ version: '2', data: { a: '2' } }),
      expected: true,
    },
    { name: 'a removed field', live: configMap({ version: '2', data: {} }), expected: true },
    {
      name: 'a field of someone else',
      live: configMap({ version: '2', data: { a: '1', b: '2' } }),
      expected: false,
    },
    { name: 'a deleted object', live: undefined, expected: true },
    {
      name: 'an object that is being deleted',
      live: configMap({ version: '2', data: {}, deletionTimestamp: '2026-01-01T00:00:00Z' }),
      expected: false,
    },
    {
      name: 'an object that was excluded',
      live: configMap({
        version: '2',
        data: {},
        annotations: { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' },
      }),
      expected: false,
    },
    {
      name: 'a field that kubectl has added',
      live: configMap({
        version: '2',
        managedFields: [
          { manager: 'kubectl-edit', operation: 'Update', fieldsV1: { 'f:data': {} } },
        ],
      }),
      expected: false,
    },
    {
      name: 'a status that kubectl has set',
      live: configMap({
        version: '2',
        managedFields: [{ manager: 'kubectl', operation: 'Update', subresource: 'status' }],
      }),
      expected: false,
    },
  ];
  it.each(cases)('$name: $expected', ({ live, expected }) => {
    expect(recorded().isDrifted(live, id)).toBe(expected);
  });

  it('is false for an object that was never recorded', () => {
    expect(new AppliedState(identity).isDrifted(undefined, id)).toBe(false);
  });

  it('is true again after a state in between was right', () => {
    const state = recorded();
    expect(state.isDrifted(configMap({ version: '2' }), id)).toBe(false);
    expect(state.isDrifted(configMap({ version: '3', data: {} }), id)).toBe(true);
    expect(state.isDrifted(configMap({ version: '4' }), id)).toBe(false);
  });

  it('minds only the existence of an object with IfNotPresent', () => {
    const annotations = { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' };
    const state = recorded(configMap({ annotations }));
    expect(state.isDrifted(configMap({ version: '2', annotations, data: {} }), id)).toBe(false);
    expect(state.isDrifted(undefined, id)).toBe(true);
  });

  it('does not mind fields that a rule leaves to others', () => {
    const state = new AppliedState(identity);
    state.record('owner', [configMap()], { ignore: [{ paths: ['/data/a'] }] });
    expect(state.isDrifted(configMap({ version: '2', data: { a: '9' } }), id)).toBe(false);
  });
});

describe('a state from before the last apply', () => {
  const applied = configMap({ version: '10' });

  it('is an older one of the same object', () => {
    const state = recorded(applied);
    expect(state.predates(configMap({ version: '9' }), id)).toBe(true);
    expect(state.predates(configMap({ version: '10' }), id)).toBe(false);
    const { metadata } = configMap({ version: '9' });
    expect(state.predates({ ...applied, metadata: { ...metadata, uid: 'x' } }, id)).toBe(false);
    expect(new AppliedState(identity).predates(configMap({ version: '9' }), id)).toBe(false);
  });

  it('is known once what was expected has been found', () => {
    const state = recorded({
      ...applied,
      metadata: { ...applied.metadata, resourceVersion: undefined },
    });
    expect(state.predates(configMap({ version: '9' }), id)).toBe(false);
    state.accept(applied, id);
    expect(state.lastApply(id)?.appliedVersion).toBe('10');
    expect(state.predates(configMap({ version: '9' }), id)).toBe(true);
  });
});

describe('owners', () => {
  const ids = (state: AppliedState, ...names: string[]) =>
    names.map((name) => state.ownerOf({ ...id, name }));

  it('are known, and forgotten with their objects', () => {
    const state = new AppliedState(identity);
    state.record('one', [configMap({ name: 'a' }), configMap({ name: 'b' })]);
    state.record('two', [configMap({ name: 'b' }), configMap({ name: 'c' })]);
    expect(ids(state, 'a', 'b', 'c')).toEqual(['one', 'two', 'two']);
    state.forget('one');
    expect(ids(state, 'a', 'b', 'c')).toEqual([undefined, 'two', 'two']);
    state.keepOnly('two', [{ ...id, name: 'c' }]);
    expect(ids(state, 'a', 'b', 'c')).toEqual([undefined, undefined, 'two']);
    expect(state.size).toBe(1);
  });

  it('are not recorded for an object that we have applied nothing to', () => {
    expect(recorded(configMap({ managedFields: [] })).size).toBe(0);
    const annotations = { 'kustomize.toolkit.fluxcd.io/ssa': 'Ignore' };
    expect(recorded(configMap({ annotations })).size).toBe(0);
  });
});

describe('isSettled', () => {
  const sent = { ...configMap({ managedFields: [] }) };
  const live = configMap({ version: '2' });
  function sentBy(owner = 'owner'): AppliedState {
    const state = new AppliedState(identity);
    state.record(owner, [configMap()], { sentOf: () => sent });
    return state;
  }

  it('is true for an object that is as an apply of the same left it', () => {
    expect(sentBy().isSettled('owner', sent, live)).toBe(true);
    expect(sentBy().isSettled('owner', sent, compactObject(live, identity))).toBe(true);
  });

  const later = { ...ours, time: '2026-01-01T00:00:09Z' };
  it.each([
    { name: 'something else is sent', to: { ...sent, data: { a: '2' } }, live },
    { name: 'a field was changed', to: sent, live: configMap({ version: '2', data: {} }) },
    {
      name: 'another process of the name has applied something else',
      to: sent,
      live: configMap({ version: '2', managedFields: [later] }),
    },
    { name: 'our fields are gone', to: sent, live: configMap({ version: '2', managedFields: [] }) },
    { name: 'the state is one from before the apply', to: sent, live: configMap({ version: '0' }) },
    {
      name: 'it is being deleted',
      to: sent,
      live: configMap({ version: '2', deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
  ])('is false when $name', ({ to, live: state }) => {
    expect(sentBy().isSettled('owner', to, state)).toBe(false);
  });

  it('is false for what another owner has applied, or what was recorded without being sent', () => {
    expect(sentBy('other').isSettled('owner', sent, live)).toBe(false);
    expect(recorded().isSettled('owner', sent, live)).toBe(false);
  });
});
