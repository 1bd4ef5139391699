import type { HelmRelease } from '@sluice/shared/api';
import { expect, test } from 'vitest';
import { timeoutOf } from '../../src/helm-release/spec.ts';

test.each([
  { spec: {}, seconds: 300 },
  { spec: { timeout: '1m' }, seconds: 60 },
  { spec: { timeout: '1m', install: { timeout: '2m' } }, seconds: 120 },
  // What timers take: a longer limit would be over at once.
  { spec: { timeout: '8760h' }, seconds: 2_147_483.647 },
  { spec: { install: { timeout: '8760h' } }, seconds: 2_147_483.647 },
])('with $spec an installation may take $seconds s', ({ spec, seconds }) => {
  expect(timeoutOf({ spec } as HelmRelease, 'install')).toBe(seconds * 1000);
});
