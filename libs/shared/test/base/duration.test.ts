import { formatDuration, parseDuration } from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('parseDuration', () => {
  test.each([
    { text: '0', ms: 0 },
    { text: '0s', ms: 0 },
    { text: '750ms', ms: 750 },
    { text: '1h30m', ms: 5_400_000 },
    { text: '1.5h', ms: 5_400_000 },
    { text: '2m0.5s', ms: 120_500 },
  ])('reads $text', ({ text, ms }) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    { text: '' },
    { text: '5' },
    { text: '1y' },
    { text: '5 m' },
    { text: '-5m' },
    { text: '5mx' },
  ])("refuses '$text' and shows what a duration looks like", ({ text }) => {
    expect(() => parseDuration(text)).toThrow(/is not a duration: use a number with a unit/);
  });

  test('refuses what Go cannot hold', () => {
    expect(() => parseDuration('99999999999h')).toThrow("duration '99999999999h' is too long");
  });

  test('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 6);
      }),
    );
  });
});

test.each([
  { ms: 0, text: '0s' },
  { ms: 750, text: '750ms' },
  { ms: 5000, text: '5s' },
  { ms: 60_000, text: '1m0s' },
  { ms: 5_400_000, text: '1h30m0s' },
])('formatDuration writes $text as Go does', ({ ms, text }) => {
  expect(formatDuration(ms)).toBe(text);
});
