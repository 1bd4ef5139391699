import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyMergePatch,
  type Fields,
  mergePatchBetween,
  mergeStatus,
} from '../../../src/runtime/status/status-merge.ts';

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

describe('mergePatchBetween', () => {
  it('makes a patch that turns one into the other', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatchBetween(from, to);
        expect(patch === undefined ? from : applyMergePatch(from, patch)).toEqual(to);
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

describe('applyMergePatch', () => {
  // https://www.rfc-editor.org/rfc/rfc7396#appendix-A
  it.for<[Fields, Fields, Fields]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: 'foo' }, { a: { b: 'c', d: null } }, { a: { b: 'c' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  ])('%j with %j is %j', ([target, patch, result]) => {
    expect(applyMergePatch(target, patch)).toEqual(result);
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
