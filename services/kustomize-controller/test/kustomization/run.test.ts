import type { Kustomization } from '@sluice/shared/api';
import { expect, test } from 'vitest';
import { type KustomizationSettings, timeoutOf } from '../../src/kustomization/run.ts';

test.each([
  { timeout: '3s', interval: '10m', seconds: 30 },
  { timeout: '31s', interval: '10m', seconds: 31 },
  { timeout: undefined, interval: '10m', seconds: 570 },
  { timeout: undefined, interval: '40s', seconds: 30 },
  // What timers take: a longer limit would be over at once.
  { timeout: undefined, interval: '8760h', seconds: 2_147_483.647 },
])('timeout $timeout with interval $interval is $seconds s', ({ seconds, ...spec }) => {
  const settings = { leastTimeoutMs: 30_000 } as KustomizationSettings;
  expect(timeoutOf({ spec } as Kustomization, settings)).toBe(seconds * 1000);
});
