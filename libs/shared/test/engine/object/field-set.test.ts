import { parseJson } from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FieldSet,
  projection,
  subsetAt,
  unionOf,
  withoutPath,
} from '../../../src/engine/object/field-set.ts';

const spec = {
  replicas: 1,
  atomic: [1, 2],
  finalizers: ['a', 'b'],
  empty: {},
  containers: [
    { name: 'app', image: 'app:1', ports: [{ containerPort: 80, protocol: 'TCP', hostPort: 0 }] },
    { name: 'other', image: 'other:1' },
  ],
};
const set: FieldSet = {
  'f:replicas': {},
  'f:atomic': {},
  'f:finalizers': { '.': {}, 'v:"a"': {} },
  'f:containers': {
    'k:{"name":"app"}': {
      '.': {},
      'f:image': {},
      'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:hostPort': {} } },
    },
  },
};

type Spec = typeof spec;

describe('projection', () => {
  const cases: { name: string; edit: (copy: Spec) => void; same: boolean }[] = [
    { name: 'an owned scalar', edit: (s) => s.replicas++, same: false },
    { name: 'an item of an atomic list', edit: (s) => s.atomic.push(3), same: false },
    { name: 'the order of an atomic list', edit: (s) => s.atomic.reverse(), same: false },
    { name: 'an owned item of a set', edit: (s) => s.finalizers.shift(), same: false },
    {
      name: 'a field of a keyed item',
      edit: (s) => (s.containers[0]!.image = 'app:2'),
      same: false,
    },
    { name: 'the key of a keyed item', edit: (s) => (s.containers[0]!.name = 'x'), same: false },
    { name: 'a keyed item as a whole', edit: (s) => s.containers.shift(), same: false },
    {
      name: 'a field of an item with two keys',
      edit: (s) => (s.containers[0]!.ports![0]!.hostPort = 1),
      same: false,
    },
    {
      name: 'a missing owned field',
      edit: (s) => delete (s as Partial<Spec>).replicas,
      same: false,
    },
    { name: 'a field of another item', edit: (s) => (s.containers[1]!.image = 'x'), same: true },
    { name: 'the order of a keyed list', edit: (s) => s.containers.reverse(), same: true },
    { name: 'another item of a set', edit: (s) => s.finalizers.push('c'), same: true },
    { name: 'a field of another owner', edit: (s) => Object.assign(s.empty, { x: 1 }), same: true },
  ];
  it.each(cases)('of $name that changes: same = $same', ({ edit, same }) => {
    const copy = structuredClone(spec);
    edit(copy);
    expect(projection(copy, set) === projection(spec, set)).toBe(same);
  });

  it('sees the last digit of a long integer, and finds items by it', () => {
    const value = (count: string) =>
      parseJson(`{"n":${count},"set":[${count}],"by":[{"id":${count}}]}`);
    const fields: FieldSet = {
      'f:n': {},
      'f:set': { 'v:9007199254740993': {} },
      'f:by': { 'k:{"id":9007199254740993}': { 'f:id': {} } },
    };
    const one = projection(value('9007199254740993'), fields);
    expect(one).toBe('(9007199254740993,(9007199254740993,)((9007199254740993,)))');
    expect(projection(value('9007199254740993'), fields)).toBe(one);
    expect(projection(value('9007199254740992'), fields)).not.toBe(one);
  });

  it('does not depend on the order of keys', () => {
    const leaf = { 'f:map': {} };
    expect(projection({ map: { a: 1, b: 2 } }, leaf)).toBe(
      projection({ map: { b: 2, a: 1 } }, leaf),
    );
  });

  it('follows positions', () => {
    const byPosition = { 'f:list': { 'i:1': {} } };
    expect(projection({ list: [1, 2] }, byPosition)).toBe(projection({ list: [9, 2] }, byPosition));
    expect(projection({ list: [1, 2] }, byPosition)).not.toBe(
      projection({ list: [1] }, byPosition),
    );
  });

  it('sees every change of a field that it covers, and no other', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const object = fc.dictionary(key, fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer())));
    fc.assert(
      fc.property(object, object, fc.uniqueArray(key), (one, two, owned) => {
        const fields = Object.fromEntries(owned.map((name) => [`f:${name}`, {}]));
        const pick = (o: Record<string, unknown>) => owned.map((name) => o[name] ?? null);
        const agree = JSON.stringify(pick(one)) === JSON.stringify(pick(two));
        // A set without members would mean the whole value.
        const covering = owned.length === 0 ? { '.': {} } : fields;
        expect(projection(one, covering) === projection(two, covering)).toBe(agree);
      }),
    );
  });
});

describe('sets', () => {
  it('are joined', () => {
    const a = { 'f:x': {}, 'f:y': { 'f:a': {} } };
    const b = { 'f:x': { 'f:p': {} }, 'f:y': { 'f:b': {} }, 'f:z': {} };
    expect(unionOf(a, b)).toEqual({
      'f:x': { '.': {}, 'f:p': {} },
      'f:y': { 'f:a': {}, 'f:b': {} },
      'f:z': {},
    });
  });

  const image = ['containers', '0', 'image'];

  it('are followed through positions of keyed items', () => {
    expect(subsetAt(spec, set, image)).toEqual({});
    expect(subsetAt(spec, set, ['containers', '1', 'image'])).toBeUndefined();
    expect(subsetAt(spec, set, ['absent', 'x'])).toBeUndefined();
  });

  it('lose a path and keep the rest', () => {
    const rest = withoutPath(spec, set, image);
    expect(subsetAt(spec, rest, image)).toBeUndefined();
    expect(subsetAt(spec, rest, ['containers', '0', 'ports'])).toBeDefined();
    expect(subsetAt(spec, set, image)).toBeDefined();
  });

  it('lose a parent that would be left without members', () => {
    expect(withoutPath({ a: { b: 1 } }, { 'f:a': { 'f:b': {} }, 'f:c': {} }, ['a', 'b'])).toEqual({
      'f:c': {},
    });
  });
});
