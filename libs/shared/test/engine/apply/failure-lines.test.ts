import { failureLines, objectError, objectIdOf } from '@sluice/shared/engine';
import { NoKindMatchError } from '@sluice/shared/kube';
import { describe, expect, it } from 'vitest';
import { configMap } from '../engine-objects.ts';

function failure(index: number, error: unknown) {
  const object = configMap('ns', `c${index}`);
  return { id: objectIdOf(object), error: objectError(object, 'apply', error) };
}
const missing = (kind: string) =>
  new NoKindMatchError({ group: 'example.com', version: 'v1', kind });
const many = (count: number, errorOf: (index: number) => unknown) =>
  Array.from({ length: count }, (_, index) => failure(index, errorOf(index)));

describe('failureLines', () => {
  it('tells objects of one missing kind together', () => {
    expect(failureLines([...many(5, () => missing('Thing')), failure(9, new Error('no'))])).toEqual(
      [
        'ConfigMap/ns/c9 apply failed: no',
        'ConfigMap/ns/c0, ConfigMap/ns/c1, ConfigMap/ns/c2 and 2 more: the cluster serves no kind Thing in example.com/v1: install its CRD, or correct apiVersion or kind',
      ],
    );
  });

  it('counts what is too much to tell', () => {
    const lines = failureLines(many(30, (index) => missing(`Kind${index}`)));
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe('… and 20 more');
    expect(lines.join('\n').length).toBeLessThan(1600);
  });
});
