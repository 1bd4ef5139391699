import { FakeClock } from '@sluice/shared/base';
import { ApiError, ConnectionError } from '@sluice/shared/kube';
import { describe, expect, test } from 'vitest';
import { RateLimiter } from '../../src/kube/rate-limit.ts';
import { withRetries } from '../../src/kube/retry.ts';

const refused = (status: number, retryAfterMs?: number) =>
  new ApiError({
    status,
    reason: '',
    message: String(status),
    verb: 'GET',
    path: '/',
    retryAfterMs,
  });
const lost = (code: string) => new ConnectionError({ code, verb: 'GET', path: '/', message: code });

interface Case {
  name: string;
  error: Error;
  idempotent: boolean;
  attempts: number;
}

const cases: Case[] = [
  { name: '429, any verb', error: refused(429), idempotent: false, attempts: 6 },
  { name: '503, idempotent', error: refused(503), idempotent: true, attempts: 4 },
  { name: '503, not idempotent', error: refused(503), idempotent: false, attempts: 1 },
  { name: '500 without a time to wait', error: refused(500), idempotent: true, attempts: 1 },
  { name: '500 with a time to wait', error: refused(500, 1000), idempotent: true, attempts: 4 },
  { name: '409', error: refused(409), idempotent: true, attempts: 1 },
  {
    name: 'connection refused, any verb',
    error: lost('ECONNREFUSED'),
    idempotent: false,
    attempts: 4,
  },
  {
    name: 'connection reset, idempotent',
    error: lost('ECONNRESET'),
    idempotent: true,
    attempts: 4,
  },
  {
    name: 'connection reset, not idempotent',
    error: lost('ECONNRESET'),
    idempotent: false,
    attempts: 1,
  },
  { name: 'untrusted certificate', error: lost('CERT_HAS_EXPIRED'), idempotent: true, attempts: 1 },
  { name: 'time is up', error: lost('TIMEOUT'), idempotent: true, attempts: 1 },
  { name: 'client closed', error: lost('CLOSED'), idempotent: true, attempts: 1 },
  { name: 'a bug', error: new TypeError('x'), idempotent: true, attempts: 1 },
];

function start(clock: FakeClock, o: { error: Error; idempotent?: boolean; lifeMs?: number }) {
  const at: number[] = [];
  const begun = clock.now();
  const attempt = async () => {
    at.push(clock.now() - begun);
    throw o.error;
  };
  const result = withRetries(attempt, {
    clock,
    random: () => 1,
    idempotent: o.idempotent ?? true,
    signal: new AbortController().signal,
    deadlineAt: begun + (o.lifeMs ?? 600_000),
  }).catch((error: unknown) => error);
  return { at, result };
}

describe('retries', () => {
  test.each(cases)('$name: $attempts attempts', async ({ error, idempotent, attempts }) => {
    const clock = new FakeClock();
    const { at, result } = start(clock, { error, idempotent });
    await clock.advance(120_000);
    expect(await result).toBe(error);
    expect(at).toHaveLength(attempts);
  });

  test('delays double, and are at least what the server asks for', async () => {
    const clock = new FakeClock();
    const own = start(clock, { error: refused(503) });
    await clock.advance(120_000);
    expect(own.at).toEqual([0, 100, 300, 700]);
    const asked = start(clock, { error: refused(503, 2000) });
    await clock.advance(120_000);
    expect(asked.at).toEqual([0, 2000, 4000, 6000]);
  });

  test('no attempt starts after the deadline', async () => {
    const clock = new FakeClock();
    const { at, result } = start(clock, { error: refused(503), lifeMs: 500 });
    await clock.advance(120_000);
    expect(await result).toMatchObject({ status: 503 });
    expect(at).toEqual([0, 100, 300]);
  });
});

describe('rate limit', () => {
  async function takeMany(limiter: RateLimiter, clock: FakeClock, count: number) {
    const begun = clock.now();
    const at: number[] = [];
    for (let n = 0; n < count; n++) {
      limiter.take().then(
        () => at.push(clock.now() - begun),
        () => {},
      );
    }
    await clock.advance(10_000);
    return at;
  }

  test('lets a burst pass at once and the rest at the rate', async () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter({ qps: 10, burst: 3, clock });
    expect(await takeMany(limiter, clock, 6)).toEqual([0, 0, 0, 100, 200, 300]);
    expect(await takeMany(limiter, clock, 4)).toEqual([0, 0, 0, 100]);
  });

  test('is off when the rate is 0, and when the server limits by itself', async () => {
    const clock = new FakeClock();
    const off = new RateLimiter({ qps: 0, burst: 1, clock });
    expect(await takeMany(off, clock, 3)).toEqual([0, 0, 0]);
    const disabled = new RateLimiter({ qps: 1, burst: 1, clock });
    disabled.disable();
    expect(await takeMany(disabled, clock, 3)).toEqual([0, 0, 0]);
  });

  test('a request that waits can be aborted', async () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter({ qps: 1, burst: 1, clock });
    await limiter.take();
    const reason = new Error('stopped');
    await expect(limiter.take(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
