import { type LabelSelector, labelMatcherOf } from '@sluice/shared/kube';
import { expect, test } from 'vitest';

test('an empty selector takes all, also what has no labels', () => {
  expect(labelMatcherOf({})(undefined)).toBe(true);
  expect(labelMatcherOf({ matchLabels: {}, matchExpressions: [] })({ a: 'b' })).toBe(true);
});

type Condition = NonNullable<LabelSelector['matchExpressions']>[number];

const conditions: { condition: Omit<Condition, 'key'>; takes: string[] }[] = [
  { condition: { operator: 'In', values: ['web', 'db'] }, takes: ['web'] },
  { condition: { operator: 'NotIn', values: ['web', 'db'] }, takes: ['cache', 'none'] },
  { condition: { operator: 'Exists' }, takes: ['web', 'cache'] },
  { condition: { operator: 'DoesNotExist' }, takes: ['none'] },
];

test.each(conditions)('$condition.operator', ({ condition, takes }) => {
  const selects = labelMatcherOf({ matchExpressions: [{ key: 'tier', ...condition }] });
  const labels = { web: { tier: 'web' }, cache: { tier: 'cache' }, none: { other: 'web' } };
  const taken = Object.entries(labels).filter(([, one]) => selects({ ...one }));
  expect(taken.map(([name]) => name)).toEqual(takes);
});

test('all of the labels and conditions have to hold', () => {
  const selects = labelMatcherOf({
    matchLabels: { tier: 'web', stage: 'prod' },
    matchExpressions: [{ key: 'team', operator: 'Exists' }],
  });
  expect(selects({ tier: 'web', stage: 'prod', team: 'a' })).toBe(true);
  expect(selects({ tier: 'web', stage: 'prod' })).toBe(false);
  expect(selects({ tier: 'web', team: 'a' })).toBe(false);
});

test('what every object inherits is no label', () => {
  const selects = labelMatcherOf({ matchExpressions: [{ key: 'toString', operator: 'Exists' }] });
  expect(selects({})).toBe(false);
});

test('a condition that lacks its values is refused', () => {
  expect(() =>
    labelMatcherOf({ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: [] }] }),
  ).toThrow('matchExpressions[0] has no values: NotIn needs some');
});
