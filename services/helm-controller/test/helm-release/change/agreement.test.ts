import type { KubeObject } from '@sluice/shared/api';
import { expect, test } from 'vitest';
import { commonPart, varyingObjects } from '../../../src/helm-release/change/agreement.ts';

const config = (name: string, data: Record<string, unknown>): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }) as KubeObject;

test.each([
  {
    name: 'equal values',
    a: { x: [1, { y: null }] },
    b: { x: [1, { y: null }] },
    common: { x: [1, { y: null }] },
  },
  { name: 'a field', a: { x: 1, y: 'one' }, b: { x: 1, y: 'two' }, common: { x: 1, y: null } },
  { name: 'a field that only one has', a: { x: 1, y: 1 }, b: { x: 1 }, common: { x: 1 } },
  { name: 'an item', a: [1, 2], b: [1, 3], common: [1, null] },
  { name: 'lists of other lengths', a: [1, 2], b: [1], common: null },
  { name: 'other types', a: { x: [] }, b: { x: {} }, common: { x: null } },
])('what two renderings differ in is left out: $name', ({ a, b, common }) => {
  expect(commonPart(a, b)).toEqual(common);
  expect(commonPart(b, a)).toEqual(common);
});

test('only objects that are made another way each time are named', () => {
  const first = [
    config('same', { x: '1' }),
    config('random', { x: '1', y: 'a' }),
    config('r-1', {}),
  ];
  const second = [
    config('same', { x: '1' }),
    config('random', { x: '1', y: 'b' }),
    config('r-2', {}),
  ];
  const found = varyingObjects(first, second);
  expect([...found.values()]).toEqual([
    { agreed: expect.objectContaining({ data: { x: '1', y: null } }) },
    { agreed: undefined },
  ]);
});
