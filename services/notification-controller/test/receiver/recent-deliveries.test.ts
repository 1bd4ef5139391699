import { FakeClock } from '@sluice/shared/base';
import { beforeEach, expect, test } from 'vitest';
import type { DoneWebhooks } from '../../src/receiver/done-webhooks.ts';
import { RecentDeliveries } from '../../src/receiver/recent-deliveries.ts';

let clock: FakeClock;
let recent: RecentDeliveries;
let done: string[];

beforeEach(() => {
  clock = new FakeClock();
  recent = new RecentDeliveries(clock);
  done = [];
});

/** Calls with an identifier; returns the status, and whether it was a repetition. */
async function call(id: string | undefined, status = 200) {
  const { answer, isRepeated } = await recent.run(id, async () => {
    done.push(String(id));
    return { status };
  });
  return [answer.status, isRepeated];
}

test('a repetition is answered without being done', async () => {
  expect(await call('a')).toEqual([200, false]);
  expect(await call('a')).toEqual([200, true]);
  expect(await call('b')).toEqual([200, false]);
  expect(done).toEqual(['a', 'b']);
});

test('what failed is done again', async () => {
  expect(await call('a', 500)).toEqual([500, false]);
  expect(await call('a')).toEqual([200, false]);
});

test('what a person has delivered again after five minutes is done again', async () => {
  await call('a');
  await clock.advance(5 * 60_000 - 1);
  expect(await call('a')).toEqual([200, true]);
  await clock.advance(1);
  expect(await call('a')).toEqual([200, false]);
});

test('a repetition of what is being done waits for it', async () => {
  const gate = Promise.withResolvers<{ status: number }>();
  const first = recent.run('a', () => gate.promise);
  const second = recent.run('a', () => Promise.reject(new Error('done twice')));
  gate.resolve({ status: 200 });
  expect((await first).isRepeated).toBe(false);
  expect(await second).toEqual({ answer: { status: 200 }, isRepeated: true });
});

test('one that throws does not keep others waiting', async () => {
  const broken = recent.run('a', () => Promise.reject(new Error('broken')));
  await expect(broken).rejects.toThrow('broken');
  expect(await call('a')).toEqual([200, false]);
});

test('without an identifier each one is done', async () => {
  await call(undefined);
  await call(undefined);
  expect(done).toHaveLength(2);
});

test('only the last ten thousand are known', async () => {
  for (let i = 0; i <= 10_000; i++) await call(`id-${i}`);
  expect(await call('id-1')).toEqual([200, true]);
  expect(await call('id-0')).toEqual([200, false]);
});

test('what another replica has done a moment ago is a repetition, and what it did before is not', async () => {
  const known = new Map<string, number>();
  const others: DoneWebhooks = {
    doneAt: async (id) => known.get(id),
    note: async (id) => void known.set(id, clock.now()),
  };
  const [one, two] = [new RecentDeliveries(clock, others), new RecentDeliveries(clock, others)];
  const statusOf = async (at: RecentDeliveries, status: number) => {
    const { answer, isRepeated } = await at.run('a', async () => ({ status }));
    return [answer.status, isRepeated];
  };
  expect(await statusOf(one, 500)).toEqual([500, false]);
  expect(await statusOf(two, 200)).toEqual([200, false]);
  expect(await statusOf(one, 200)).toEqual([200, true]);
  await clock.advance(5 * 60_000);
  expect(await statusOf(one, 200)).toEqual([200, false]);
});
