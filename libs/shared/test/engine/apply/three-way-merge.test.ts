import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MergeSchema,
  readMergeSchemas,
} from '../../../src/engine/apply/strategic-merge-schema.ts';
import { threeWayPatch } from '../../../src/engine/apply/three-way-merge.ts';

type Json = Record<string, unknown>;

const ref = (name: string) => ({ allOf: [{ $ref: `#/components/schemas/${name}` }] });
const merge = (key?: string, strategy = 'merge') => ({
  'x-kubernetes-patch-strategy': strategy,
  ...(key && { 'x-kubernetes-patch-merge-key': key }),
});
const things = { group: 'x.io', version: 'v1', kind: 'Thing' };
const patched = (gvk: object, ...types: string[]) => ({
  patch: {
    'x-kubernetes-group-version-kind': gvk,
    requestBody: { content: Object.fromEntries(types.map((type) => [type, {}])) },
  },
});

const document = {
  paths: {
    '/things/{name}': patched(
      things,
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
    ),
    '/customs/{name}': patched({ ...things, kind: 'Custom' }, 'application/merge-patch+json'),
    '/other': {},
  },
  components: {
    schemas: {
      Thing: {
        'x-kubernetes-group-version-kind': [things],
        properties: {
          plain: { type: 'string' },
          items: { type: 'array', items: ref('Item'), ...merge('name') },
          volumes: { type: 'array', items: ref('Item'), ...merge('name', 'merge,retainKeys') },
          set: { type: 'array', items: { type: 'string' }, ...merge() },
          list: { type: 'array', items: { type: 'string' } },
          strategy: { ...ref('Plain'), ...merge(undefined, 'retainKeys') },
          whole: { ...ref('Plain'), ...merge(undefined, 'replace') },
          map: ref('Plain'),
        },
      },
      Custom: { 'x-kubernetes-group-version-kind': [{ ...things, kind: 'Custom' }] },
      Item: {
        properties: { env: { items: ref('Item'), ...merge('name') }, parent: ref('Item') },
      },
      Plain: { properties: { a: { type: 'string' }, self: ref('Plain') } },
    },
  },
};
const schema = readMergeSchemas(document).get('Thing') as MergeSchema;

describe('readMergeSchemas', () => {
  it('knows kinds that take strategic merge patches alone', () => {
    expect([...readMergeSchemas(document).keys()]).toEqual(['Thing']);
    expect(readMergeSchemas({}).size).toBe(0);
  });

  it('keeps only what merging needs, also of types that contain themselves', () => {
    expect([...schema.keys()]).toEqual(['items', 'volumes', 'set', 'strategy', 'whole']);
    const item = schema.get('items')?.fields;
    expect(item?.get('env')?.fields).toBe(item);
    expect(schema.get('strategy')?.fields.size).toBe(0);
  });
});

const named = (...names: string[]) => names.map((name) => ({ name }));

describe('threeWayPatch', () => {
  const cases: { name: string; original?: Json; target: Json; live: Json; patch: Json }[] = [
    { name: 'nothing', target: { a: 1, b: {} }, live: { a: 1, b: { x: 1 }, c: 1 }, patch: {} },
    {
      name: 'what we have dropped, if it is there',
      original: { a: 1, b: 1, c: { d: 1 } },
      target: { c: {} },
      live: { a: 2, c: { d: 1, e: 1 } },
      patch: { a: null, c: { d: null } },
    },
    {
      name: 'a null, if the field is there',
      target: { a: null, b: null },
      live: { a: 1 },
      patch: { a: null },
    },
    {
      name: 'a field of another type',
      original: { a: { b: 1 } },
      target: { a: 'x' },
      live: { a: { b: 1 } },
      patch: { a: 'x' },
    },
    {
      name: 'names of the language as keys',
      original: { constructor: '1' },
      target: { toString: '1', valueOf: null },
      live: { constructor: '1' },
      patch: { toString: '1', constructor: null },
    },
    {
      name: 'a plain list as a whole',
      target: { list: ['a'] },
      live: { list: ['a', 'b'] },
      patch: { list: ['a'] },
    },
    {
      name: 'items by name',
      original: { items: named('a', 'b', 'c') },
      target: { items: [{ name: 'c', x: 1 }, { name: 'd' }, { name: 'b' }] },
      live: { items: named('a', 'b', 'c', 'others') },
      patch: {
        items: [{ x: 1, name: 'c' }, { name: 'd' }, { $patch: 'delete', name: 'a' }],
        '$setElementOrder/items': named('c', 'd', 'b'),
      },
    },
    {
      name: 'the order of items alone',
      target: { items: named('b', 'a') },
      live: { items: named('a', 'others', 'b') },
      patch: { '$setElementOrder/items': named('b', 'a') },
    },
    {
      name: 'nothing for items of others in between',
      target: { items: named('a', 'b') },
      live: { items: named('others', 'a', 'more', 'b') },
      patch: {},
    },
    {
      name: 'a list of which items share their key, as a whole',
      original: {
        items: [
          { name: 'a', x: 1 },
          { name: 'a', x: 2 },
        ],
      },
      target: {
        items: [
          { name: 'a', x: 1 },
          { name: 'a', x: 3 },
        ],
      },
      live: { items: [{ name: 'a', x: 1, set: 1 }, { name: 'a', x: 2 }, { name: 'others' }] },
      patch: {
        items: [
          { $patch: 'replace' },
          { name: 'a', x: 1, set: 1 },
          { name: 'a', x: 3 },
          { name: 'others' },
        ],
      },
    },
    {
      name: 'a set by its items',
      original: { set: ['a', 'b'] },
      target: { set: ['c', 'b'] },
      live: { set: ['a', 'b', 'others'] },
      patch: {
        set: ['c'],
        '$deleteFromPrimitiveList/set': ['a'],
        '$setElementOrder/set': ['c', 'b'],
      },
    },
    {
      name: 'the keys to keep of a union',
      target: { strategy: { a: 'x' }, volumes: [{ name: 'v', b: 1 }] },
      live: { strategy: { a: 'y', b: 1 }, volumes: [{ name: 'v', a: 1 }] },
      patch: {
        strategy: { a: 'x', $retainKeys: ['a'] },
        volumes: [{ b: 1, $retainKeys: ['b', 'name'], name: 'v' }],
        '$setElementOrder/volumes': named('v'),
      },
    },
    {
      name: 'a map that is replaced',
      target: { whole: { a: 'x' } },
      live: { whole: { a: 'x', b: 1 } },
      patch: { whole: { a: 'x' } },
    },
  ];
  it.each(cases)('has $name', ({ original = {}, target, live, patch }) => {
    expect(threeWayPatch({ original, target, live }, schema)).toEqual(patch);
  });

  const leaf = fc.oneof(fc.constantFrom<unknown>(1, 'x', true), fc.array(fc.constantFrom(1, 2)));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'), { maxKeys: 3 }),
    node: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie('tree')),
  })) as { tree: fc.Arbitrary<Json> };

  it('brings any object to the target, and leaves to others what was never ours', () => {
    fc.assert(
      fc.property(tree, tree, tree, (original, target, live) => {
        const patch = threeWayPatch({ original, target, live }, new Map());
        const merged = applyMergePatch(live, patch);
        expectMerged(merged, { original, target, live });
        expect(threeWayPatch({ original, target, live: merged }, new Map())).toEqual({});
      }),
    );
  });
});

const isTree = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386, section 2. */
function applyMergePatch(value: unknown, patch: unknown): Json {
  if (!isTree(patch)) return patch as Json;
  const result: Json = isTree(value) ? { ...value } : {};
  for (const [key, part] of Object.entries(patch)) {
    if (part === null) delete result[key];
    else result[key] = applyMergePatch(result[key], part);
  }
  return result;
}

function expectMerged(merged: Json, states: { original: Json; target: Json; live: Json }): void {
  const { original, target, live } = states;
  for (const key of new Set([
    ...Object.keys(merged),
    ...Object.keys(target),
    ...Object.keys(live),
  ])) {
    const [before, wanted, present] = [original[key], target[key], live[key]];
    if (isTree(wanted)) {
      const parts = {
        original: isTree(before) ? before : {},
        live: isTree(present) ? present : {},
      };
      expectMerged(merged[key] as Json, { ...parts, target: wanted });
    } else if (wanted !== undefined) expect(merged[key]).toEqual(wanted);
    else expect(merged[key]).toEqual(before === undefined ? present : undefined);
  }
}
