import { FakeClock } from '@sluice/shared/base';
import { beforeEach, expect, test } from 'vitest';
import { TokenCache } from '../../src/provider/token-cache.ts';

const hour = 3_600_000;
let clock: FakeClock;
let cache: TokenCache;
let issued: number;

beforeEach(() => {
  clock = new FakeClock();
  cache = new TokenCache(clock);
  issued = 0;
});

const get = (...credentials: string[]) =>
  cache.get(credentials, async () => ({
    token: `token-${++issued}`,
    expiresAtMs: clock.now() + hour,
  }));

test('a token is used until five minutes before it expires', async () => {
  expect(await get('a')).toBe('token-1');
  await clock.advance(hour - 5 * 60_000 - 1);
  expect(await get('a')).toBe('token-1');
  await clock.advance(1);
  expect(await get('a')).toBe('token-2');
});

test('other credentials get another token', async () => {
  await get('a', 'b');
  expect(await get('ab')).toBe('token-2');
  expect(await get('a', 'b')).toBe('token-1');
});

test('a token that did not work is not used again', async () => {
  await get('a');
  cache.forget(['a']);
  expect(await get('a')).toBe('token-2');
});

test('callers that come together share one request', async () => {
  expect(await Promise.all([get('a'), get('a')])).toEqual(['token-1', 'token-1']);
});

test('of credentials that change all the time, only the last tokens are kept', async () => {
  await get('a');
  await get('b');
  await get('c');
  expect(await get('c')).toBe('token-3');
  expect(await get('a')).toBe('token-4');
});

test('what cannot be issued is asked for again', async () => {
  const failing = cache.get(['a'], () => Promise.reject(new Error('down')));
  await expect(failing).rejects.toThrow('down');
  expect(await get('a')).toBe('token-1');
});
