import { readFile } from 'node:fs/promises';
import { providerTypes } from '@sluice/shared/api';
import { expect, test } from 'vitest';
import { rateLimitsOf } from '../../src/provider/rate-limits.ts';

test('chats are sent to as they say', () => {
  expect(rateLimitsOf({ type: 'slack' })).toEqual([{ count: 1, perMs: 1_000 }]);
  expect(rateLimitsOf({ type: 'telegram' })).toEqual([
    { count: 1, perMs: 1_000 },
    { count: 20, perMs: 60_000 },
  ]);
  expect(rateLimitsOf({ type: 'generic' })).toEqual([]);
});

test('what the Provider says counts in their place', () => {
  expect(rateLimitsOf({ type: 'slack', rateLimit: { count: 5, per: '1m30s' } })).toEqual([
    { count: 5, perMs: 90_000 },
  ]);
  expect(rateLimitsOf({ type: 'slack', rateLimit: { count: 1, per: '0s' } })).toEqual([
    { count: 1, perMs: 0 },
  ]);
  expect(rateLimitsOf({ type: 'slack', rateLimit: { count: 1, per: '9000h' } })).toEqual([
    { count: 1, perMs: 3_600_000 },
  ]);
});

test('every limit is in the table of the guide', async () => {
  const guide = await readFile(
    new URL('../../../../docs/guides/provider.md', import.meta.url),
    'utf8',
  );
  const section = guide.slice(guide.indexOf('**How much is sent.**'));
  const types = providerTypes.filter((type) => rateLimitsOf({ type }).length > 0);
  for (const type of types) {
    const row = section.split('\n').find((line) => line.startsWith(`| \`${type}\` |`)) ?? type;
    for (const { count, perMs } of rateLimitsOf({ type })) {
      const per =
        perMs === 60_000 ? 'a minute' : perMs === 1_000 ? 'a second' : `in ${perMs / 1000} seconds`;
      expect(row).toContain(`${count} ${per}`);
    }
  }
});
