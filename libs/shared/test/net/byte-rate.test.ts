import { FakeClock } from '@sluice/shared/base';
import { ByteRate } from '@sluice/shared/net';
import { expect, it } from 'vitest';

function rate() {
  const clock = new FakeClock();
  return { clock, rate: new ByteRate({ bytesPerSecond: 100, burst: 1000, clock }) };
}

it('lets a share that is alone take in whatever it likes', async () => {
  const { rate: it } = rate();
  expect([it.take('a', 5000), it.take('a', 5000)]).toEqual([0, 0]);
});

it('lets a share take in a burst, and then no more than the rate, while another is there', async () => {
  const { clock, rate: it } = rate();
  it.take('b', 1);
  expect(it.take('a', 1000)).toBe(0);
  expect(it.take('a', 50)).toBe(500);
  await clock.advance(500);
  expect(it.take('a', 100)).toBe(1000);
});

it('slows nobody who takes in little because another takes in much', async () => {
  const { rate: it } = rate();
  it.take('b', 1);
  expect(it.take('a', 100_000)).toBeGreaterThan(0);
  expect(it.take('b', 999)).toBe(0);
});

it('counts another as there for ten seconds', async () => {
  const { clock, rate: it } = rate();
  it.take('b', 1);
  await clock.advance(9_000);
  expect(it.take('a', 2000)).toBeGreaterThan(0);
  await clock.advance(1_001);
  expect(it.take('a', 2000)).toBe(0);
});

it('holds nothing against a share that was alone when it took in much', async () => {
  const { rate: it } = rate();
  it.take('a', 1_000_000);
  it.take('b', 1);
  expect(it.take('a', 10)).toBe(100);
});
