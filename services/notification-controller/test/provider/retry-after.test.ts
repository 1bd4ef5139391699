import { expect, test } from 'vitest';
import { retryAfterMs } from '../../src/provider/retry-after.ts';

const nowMs = Date.parse('2026-01-02T03:04:05Z');
const nowSeconds = nowMs / 1000;

test.each<{ name: string; headers?: Record<string, string>; body?: string; want?: number }>([
  { name: 'nothing' },
  { name: 'seconds', headers: { 'retry-after': '7' }, want: 7_000 },
  { name: 'parts of a second', headers: { 'retry-after': '0.3' }, want: 300 },
  { name: 'a date', headers: { 'retry-after': 'Fri, 02 Jan 2026 03:05:05 GMT' }, want: 60_000 },
  { name: 'a date that is over', headers: { 'retry-after': 'Fri, 02 Jan 2026 03:04:04 GMT' } },
  { name: 'no time', headers: { 'retry-after': 'soon' } },
  { name: 'a year', headers: { 'retry-after': '31536000' }, want: 3_600_000 },
  {
    name: 'a used-up limit',
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${nowSeconds + 90}` },
    want: 90_000,
  },
  {
    name: 'a limit of GitLab',
    headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': `${nowSeconds + 9}` },
    want: 9_000,
  },
  {
    name: 'a limit with something left',
    headers: { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': `${nowSeconds + 90}` },
  },
  { name: 'a body of Telegram', body: '{"parameters":{"retry_after":5}}', want: 5_000 },
  { name: 'a body of Discord', body: '{"retry_after":0.65}', want: 650 },
  { name: 'a body of Matrix', body: '{"retry_after_ms":2000}', want: 2_000 },
  { name: 'a body that is null', body: 'null' },
  { name: 'a body with a text', body: '{"retry_after":"5"}' },
])('$name: $want', ({ headers = {}, body = '', want }) => {
  expect(retryAfterMs({ status: 429, headers, body }, nowMs)).toBe(want);
});

test('the body counts at a rate limit only', () => {
  expect(retryAfterMs({ status: 500, headers: {}, body: '{"retry_after":5}' })).toBeUndefined();
});
