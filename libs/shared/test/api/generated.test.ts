import { allKinds, fieldsOf } from '@sluice/shared/api';
import fc from 'fast-check';
import { Check } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { mutate, mutationsOf } from './invalid.ts';
import { completeObject, validObject } from './objects.ts';

// The same objects that fuzz.cluster.test.ts feeds to an API server, here against the schema itself.
describe.each(allKinds.map((kind) => [kind.kind, kind] as const))('the schema of %s', (_, kind) => {
  test('accepts every generated object', () => {
    fc.assert(
      fc.property(validObject(kind), (object) => {
        expect(Check(kind.schema, object)).toBe(true);
      }),
    );
  });

  test('refuses every invalid value', () => {
    const object = completeObject(kind);
    expect(Check(kind.schema, object)).toBe(true);
    const accepted = fieldsOf(kind)
      .flatMap((field) => mutationsOf(field, object))
      .filter((mutation) => Check(kind.schema, mutate(object, mutation)))
      .map((mutation) => mutation.name);
    expect(accepted).toEqual([]);
  });
});
