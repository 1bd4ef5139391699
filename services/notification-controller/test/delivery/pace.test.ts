import { FakeClock } from '@sluice/shared/base';
import { beforeEach, expect, test } from 'vitest';
import { Pace } from '../../src/delivery/pace.ts';

let clock: FakeClock;
let pace: Pace;
let sent: number[];

beforeEach(() => {
  clock = new FakeClock(0);
  pace = new Pace(clock);
  sent = [];
});

const signal = new AbortController().signal;
const limits = [
  { count: 2, perMs: 1_000 },
  { count: 3, perMs: 10_000 },
];

async function send(): Promise<void> {
  await pace.turn(limits, signal);
  sent.push(clock.now());
}

test('every limit holds in every stretch of time, whoever waits', async () => {
  const all = Promise.all(Array.from({ length: 7 }, send));
  for (let i = 0; i < 22; i++) await clock.advance(1_000);
  await all;
  expect(sent).toEqual([0, 0, 1_000, 10_000, 10_000, 11_000, 20_000]);
});

test('what was not used up is not saved', async () => {
  await clock.advance(60_000);
  const all = Promise.all(Array.from({ length: 3 }, send));
  await clock.advance(1_000);
  await all;
  expect(sent).toEqual([60_000, 60_000, 61_000]);
});

test('without limits nothing waits', async () => {
  for (let i = 0; i < 1_000; i++) await pace.turn([], signal);
  expect(clock.pending).toBe(0);
});

test('who waits is told of the end', async () => {
  await send();
  await send();
  const stop = new AbortController();
  const waiting = pace.turn(limits, stop.signal);
  stop.abort(new Error('the end'));
  await expect(waiting).rejects.toThrow('the end');
  expect(clock.pending).toBe(0);
});

test('another limit counts at once', async () => {
  await send();
  await send();
  await pace.turn([{ count: 3, perMs: 1_000 }], signal);
  expect(clock.pending).toBe(0);
});
