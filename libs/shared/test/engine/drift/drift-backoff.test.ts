import { FakeClock } from '@sluice/shared/base';
import { DriftBackoff } from '@sluice/shared/engine';
import { beforeEach, expect, it } from 'vitest';

let clock: FakeClock;
let backoff: DriftBackoff;

beforeEach(() => {
  clock = new FakeClock();
  backoff = new DriftBackoff({ clock });
});

/** Corrects an object as soon as it may be, and returns the delays. */
async function fight(rounds: number, key = 'a'): Promise<number[]> {
  const delays: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { delayMs } = backoff.verdict(key);
    delays.push(delayMs);
    await clock.advance(delayMs);
    backoff.corrected(key);
  }
  return delays;
}

it('corrects at once the first times', async () => {
  expect(await fight(4)).toEqual([0, 0, 0, 0]);
});

it('then waits twice as long each time, up to five minutes, and says so', async () => {
  const delays = await fight(13);
  expect(delays.slice(4)).toEqual(
    [5, 10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1000),
  );
  expect(backoff.verdict('a').message).toContain('at least 5m0s apart');
});

it('says nothing while nobody fights', async () => {
  await fight(3);
  expect(backoff.verdict('a')).toEqual({ delayMs: 0 });
});

it('does not take occasional corrections for a fight', async () => {
  for (let round = 0; round < 20; round++) {
    expect(backoff.verdict('a').delayMs).toBe(0);
    backoff.corrected('a');
    await clock.advance(30_000);
  }
});

it('keeps objects apart', async () => {
  await fight(6, 'a');
  expect(backoff.verdict('a').delayMs).toBeGreaterThan(0);
  expect(backoff.verdict('b').delayMs).toBe(0);
});

it('starts anew once an object was left alone for long enough', async () => {
  await fight(6);
  await clock.advance(20_000 + 60_000);
  expect(backoff.verdict('a')).toEqual({ delayMs: 0 });
  expect(backoff.size).toBe(0);
});

it('forgets an object on request', async () => {
  await fight(6);
  backoff.forget('a');
  expect(backoff.verdict('a')).toEqual({ delayMs: 0 });
});

it('spaces deletions out from the second one on, apart from changes, and speaks of them', async () => {
  await fight(2);
  backoff.corrected('a', 'deletion');
  expect(backoff.verdict('a')).toEqual({ delayMs: 0 });
  const { delayMs, message } = backoff.verdict('a', 'deletion');
  expect(delayMs).toBe(5_000);
  expect(message).toBe(
    'something keeps deleting the object: it was created again once; the next ones are at least 5s apart',
  );
  await clock.advance(delayMs);
  backoff.corrected('a', 'deletion');
  expect(backoff.verdict('a', 'deletion').delayMs).toBe(10_000);
});
