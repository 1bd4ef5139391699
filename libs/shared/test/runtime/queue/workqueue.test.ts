import { FakeClock } from '@sluice/shared/base';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRetryDelays } from '../../../src/runtime/queue/retry-delays.ts';
import { createWorkQueue, type WorkQueue } from '../../../src/runtime/queue/workqueue.ts';

let clock: FakeClock;
let queue: WorkQueue;

beforeEach(() => {
  clock = new FakeClock();
  const [minRetryDelayMs, maxRetryDelayMs] = [100, 1000];
  queue = createWorkQueue({ clock, minRetryDelayMs, maxRetryDelayMs, random: () => 1 });
});

describe('delays', () => {
  it('add a key once they are over and not before', async () => {
    queue.addAfter('a', 1000);
    await clock.advance(999);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
  });

  it('that are not positive add at once', () => {
    queue.addAfter('a', 0);
    queue.addAfter('b', -5);
    queue.addAfter('c', Number.NaN);
    expect(queue.length).toBe(3);
  });

  it.each([
    { name: 'a later one does not postpone', first: 100, second: 500 },
    { name: 'an earlier one wins', first: 500, second: 100 },
  ])('merge into the earlier: $name', async ({ first, second }) => {
    queue.addAfter('a', first);
    queue.addAfter('a', second);
    await clock.advance(100);
    const item = await queue.get();
    queue.done('a');
    await clock.advance(1000);
    expect(item?.key).toBe('a');
    expect(queue.length).toBe(0);
  });

  it('keep the more urgent priority', async () => {
    queue.addAfter('a', 100, { priority: 'request' });
    queue.addAfter('a', 50, { priority: 'sync' });
    await clock.advance(50);
    expect(await queue.get()).toMatchObject({ key: 'a', priority: 'request' });
  });

  it('do not keep the key from being added in another way', async () => {
    queue.addAfter('a', 1000);
    queue.add('a');
    expect((await queue.get())?.key).toBe('a');
  });

  it('leave no timer behind when cancelled or closed', async () => {
    queue.addAfter('a', 100);
    queue.addAfter('b', 100);
    queue.cancelDelayed('a');
    expect(clock.pending).toBe(1);
    queue.close();
    queue.addAfter('c', 100);
    expect(clock.pending).toBe(0);
  });
});

describe('backoff', () => {
  it('doubles with each failure of a key, up to the maximum', () => {
    const delays = Array.from({ length: 6 }, () => queue.addRateLimited('a'));
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(queue.failures('a')).toBe(6);
  });

  it('adds the key after its delay', async () => {
    queue.addRateLimited('a');
    await clock.advance(99);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
  });

  it('does not add the key before the time asked for', () => {
    expect(queue.addRateLimited('a', { atLeastMs: 5000 })).toBe(5000);
  });

  it('adds the key no later than the time allowed, unless it may not be before', () => {
    for (let failures = 0; failures < 4; failures++) queue.addRateLimited('a');
    expect(queue.addRateLimited('a', { atMostMs: 300 })).toBe(300);
    expect(queue.addRateLimited('a', { atMostMs: 300, atLeastMs: 500 })).toBe(500);
    expect(queue.addRateLimited('b', { atMostMs: 300 })).toBe(100);
  });

  it('keeps keys apart', () => {
    queue.addRateLimited('a');
    queue.addRateLimited('a');
    expect(queue.addRateLimited('b')).toBe(100);
  });

  it('starts anew when the key is forgotten, which leaves it queued', () => {
    queue.addRateLimited('a');
    queue.add('a');
    queue.forget('a');
    expect(queue.length).toBe(1);
    expect(queue.failures('a')).toBe(0);
    expect(queue.addRateLimited('a')).toBe(100);
  });

  it('has jitter down to half of the delay', () => {
    const limiter = createRetryDelays({ minMs: 100, maxMs: 1000, random: () => 0 });
    expect([limiter.next('a'), limiter.next('a')]).toEqual([50, 100]);
  });
});

it('adds nothing after close, timers included', async () => {
  queue.addAfter('a', 10);
  queue.addRateLimited('b');
  queue.close();
  await clock.advance(10_000);
  expect(queue.length).toBe(0);
  expect(await queue.get()).toBeUndefined();
});
