import {
  allKinds,
  fieldsOf,
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  withoutWrongFields,
  wrongFieldOf,
} from '@sluice/shared/api';
import { parseJson } from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPath, mutate, mutationsOf } from './invalid.ts';
import { completeObject, validObject } from './objects.ts';

/** What the check is for; limits and patterns are said by those who use the values. */
const formMutations = /: (wrong type|missing|not in the enum)$/;

describe.each(allKinds.map((kind) => ({ name: kind.kind, kind })))('the check of a $name', (o) => {
  const { kind } = o;
  const base = { apiVersion: 'v1', kind: kind.kind, metadata: { name: 'a', namespace: 'ns' } };

  test('finds nothing in objects of the schema', () => {
    fc.assert(
      fc.property(validObject(kind), (object) => {
        expect(wrongFieldOf(kind, object)).toBeUndefined();
        expect(withoutWrongFields(kind, object)).toBe(object);
      }),
      { numRuns: 50 },
    );
  });

  test('names each field that has another type, is missing, or has none of its values', () => {
    const complete = completeObject(kind);
    const fields = fieldsOf(kind).filter(({ path }) => path.startsWith('spec.'));
    const mutations = fields
      .flatMap((field) => mutationsOf(field, complete))
      .filter(({ name }) => formMutations.test(name));
    expect(mutations.length).toBeGreaterThan(3);
    for (const mutation of mutations) {
      const wrong = mutate(complete, mutation) as KubeObject;
      expect(wrongFieldOf(kind, wrong)).toMatch(`${formatPath(mutation.path)} is `);
      expect(wrongFieldOf(kind, wrong)).not.toContain('undefined');
    }
  });

  test('names a missing spec, and one of another type', () => {
    const missing = `spec is missing: write the ${kind.kind} with a spec`;
    expect(wrongFieldOf(kind, base)).toBe(missing);
    expect(wrongFieldOf(kind, { ...base, spec: null } as KubeObject)).toBe(missing);
    expect(wrongFieldOf(kind, { ...base, spec: 'x' } as KubeObject)).toBe(
      'spec is a string: write a map',
    );
    expect(withoutWrongFields(kind, base)).toMatchObject({ spec: {} });
  });
});

test('an integer that no number holds is refused where the controller counts with it', () => {
  const text =
    '{"interval":"1m","chartRef":{"kind":"HelmChart","name":"a"},"maxHistory":9007199254740993}';
  const object = {
    apiVersion: 'v1',
    kind: 'HelmRelease',
    metadata: { name: 'a', namespace: 'ns' },
    spec: parseJson(text),
  } as KubeObject;
  expect(wrongFieldOf(helmReleaseKind as KindDefinition, object)).toBe(
    'spec.maxHistory is beyond 2^53: write a smaller one',
  );
  const values = parseJson('{"interval":"1m","values":{"n":9007199254740993}}');
  const fine = { ...object, spec: values } as KubeObject;
  expect(wrongFieldOf(helmReleaseKind as KindDefinition, fine)).toBeUndefined();
});
