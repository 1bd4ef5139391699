import { describe, expect, test } from 'vitest';
import { givesUp, type RetryPolicy, retryDelayMs } from '../../src/delivery/retry-policy.ts';

const policy: RetryPolicy = {
  minDelayMs: 2_000,
  maxDelayMs: 300_000,
  giveUpAfterMs: 3_600_000,
  minAttempts: 5,
};

describe('the delay', () => {
  test('doubles from 2 s to 5 min', () => {
    const delays = [1, 2, 3, 8, 9, 20].map((n) => retryDelayMs(policy, n, 0, () => 1));
    expect(delays).toEqual([2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
  });

  test('is spread over half of it', () => {
    expect(retryDelayMs(policy, 3, 0, () => 0)).toBe(4_000);
  });

  test('is no shorter than the service asks for', () => {
    expect(retryDelayMs(policy, 1, 60_000, () => 0)).toBe(60_000);
  });
});

describe('giving up', () => {
  test.each([
    {
      name: 'a young delivery is kept',
      failed: { attempt: 50, ageMs: 3_599_999, permanent: false },
      want: false,
    },
    {
      name: 'an old delivery is given up',
      failed: { attempt: 18, ageMs: 3_600_000, permanent: false },
      want: true,
    },
    {
      name: 'an old delivery that was hardly tried is kept',
      failed: { attempt: 4, ageMs: 9e9, permanent: false },
      want: false,
    },
    {
      name: 'a delivery that is refused for good is given up',
      failed: { attempt: 1, ageMs: 0, permanent: true },
      want: true,
    },
  ])('$name', ({ failed, want }) => {
    expect(givesUp(policy, failed)).toBe(want);
  });
});
