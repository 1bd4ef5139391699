import type { ProviderSpec } from '@sluice/shared/api';
import { parseDuration } from '@sluice/shared/base';
import type { ProviderType } from './adapter.ts';

/** So many messages in a time at most. */
export interface RateLimit {
  count: number;
  /** In milliseconds. */
  perMs: number;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const maxPerMs = 60 * minuteMs;

/** What services take, by what they publish; docs/guides/provider.md names the sources. */
const published: Partial<Record<ProviderType, readonly RateLimit[]>> = {
  discord: [
    { count: 5, perMs: 2 * secondMs },
    { count: 30, perMs: minuteMs },
  ],
  googlechat: [{ count: 1, perMs: secondMs }],
  lark: [
    { count: 5, perMs: secondMs },
    { count: 100, perMs: minuteMs },
  ],
  msteams: [{ count: 4, perMs: secondMs }],
  // A success is two of the 120 requests that are taken.
  pagerduty: [{ count: 60, perMs: minuteMs }],
  slack: [{ count: 1, perMs: secondMs }],
  telegram: [
    { count: 1, perMs: secondMs },
    { count: 20, perMs: minuteMs },
  ],
};

/** How much may be sent through a Provider: what it says, or else what its service takes. */
export function rateLimitsOf({ type, rateLimit }: ProviderSpec): readonly RateLimit[] {
  if (rateLimit === undefined) return published[type] ?? [];
  const { count, per } = rateLimit;
  return [{ count, perMs: Math.min(parseDuration(per), maxPerMs) }];
}
