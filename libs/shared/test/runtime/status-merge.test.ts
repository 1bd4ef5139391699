import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fields, mergePatchBetween, mergeStatus } from '../../src/runtime/status-merge.ts';

/** JSON objects without null, which a merge patch cannot set. */
const json = fc.letrec<{ value: unknown; object: Fields }>((tie) => ({
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.integer(), { maxLength: 2 }),
    tie('object'),
  ),
})).object;

/** RFC 7396, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result: Fields = isObject ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = apply(result[key], value);
  }
  return result;
}

describe('mergePatchBetween', () => {
  it('makes a patch that turns one into the other', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatchBetween(from, to);
        expect(patch === undefined ? from : apply(from, patch)).toEqual(to);
      }),
    );
  });

  it('makes none between equal objects', () => {
    fc.assert(
      fc.property(json, (object) => {
        expect(mergePatchBetween(object, structuredClone(object))).toBeUndefined();
      }),
    );
  });

  it('takes undefined for absent', () => {
    expect(mergePatchBetween({ a: undefined }, { b: undefined })).toBeUndefined();
    expect(mergePatchBetween({ a: 1 }, { a: undefined })).toEqual({ a: null });
    expect(mergePatchBetween({ a: [{ b: 1 }] }, { a: [{ b: 1, c: undefined }] })).toBeUndefined();
    expect(mergePatchBetween({ a: [{ b: 1, c: undefined }] }, { a: [{ b: 1 }] })).toBeUndefined();
    const change = { a: [{ b: 1, c: 2 }] };
    expect(mergePatchBetween({ a: [{ b: 1 }] }, change)).toEqual(change);
    expect(mergePatchBetween(change, { a: [{ b: 1 }] })).toEqual({ a: [{ b: 1 }] });
  });
});

describe('mergeStatus', () => {
  it('is ours when nobody else changed anything, and theirs when we did not', () => {
    fc.assert(
      fc.property(json, json, (base, changed) => {
        expect(mergeStatus(base, changed, base)).toEqual(changed);
        expect(mergeStatus(base, base, changed)).toEqual(changed);
      }),
    );
  });

  it('keeps fields that they added and removes those that we removed', () => {
    const merged = mergeStatus({ a: 1, b: 1 }, { b: 1, d: 2 }, { a: 1, b: 3, c: 3 });
    expect(merged).toEqual({ b: 3, c: 3, d: 2 });
  });
});
