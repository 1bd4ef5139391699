import { expect, test } from 'vitest';
import { StoredPlans } from '../../../src/applier/change/stored-plans.ts';

const plan = { digest: 'sha256:a', revision: 'r1' };

test('of an object that is not known there may be a Plan, and none is known to be stored', () => {
  const plans = new StoredPlans();
  expect(plans.mayHave('apps/web')).toBe(true);
  expect(plans.has('apps/web', plan)).toBe(false);
});

test('what was stored is known by its digest and its revision, until it is withdrawn', () => {
  const plans = new StoredPlans();
  plans.note('apps/web', plan);
  expect(plans.has('apps/web', plan)).toBe(true);
  expect(plans.has('apps/web', { ...plan, revision: 'r2' })).toBe(false);
  expect(plans.has('apps/other', plan)).toBe(false);
  plans.note('apps/web', undefined);
  expect(plans.has('apps/web', plan)).toBe(false);
  expect(plans.mayHave('apps/web')).toBe(false);
  plans.forget('apps/web');
  expect(plans.mayHave('apps/web')).toBe(true);
});
