import { FakeClock } from '@sluice/shared/base';
import { describe, expect, it } from 'vitest';
import { createQueue, type Queue } from '../../src/runtime/queue.ts';

async function takeAll(queue: Queue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.length > 0) {
    const item = await queue.get();
    keys.push(item!.key);
    queue.done(item!.key);
  }
  return keys;
}

describe('queue', () => {
  it('gives a key added several times out once', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('a');
    queue.add('a');
    queue.add('a', { priority: 'request' });
    expect(await takeAll(queue)).toEqual(['a']);
  });

  it('never gives a key out again before done', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.get();
    queue.add('a', { priority: 'request' });
    queue.add('b', { priority: 'sync' });
    expect((await queue.get())?.key).toBe('b');
    expect(queue.length).toBe(0);
  });

  it('gives a key added while it is worked on out again after done', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a']);
  });

  it('gives a key that was not added meanwhile not out after done', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.get();
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  it('serves urgent keys first and equal ones in order', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('sync1', { priority: 'sync' });
    queue.add('change1');
    queue.add('drift1', { priority: 'drift' });
    queue.add('change2', { priority: 'change' });
    queue.add('request1', { priority: 'request' });
    queue.add('sync2', { priority: 'sync' });
    const order = ['request1', 'drift1', 'change1', 'change2', 'sync1', 'sync2'];
    expect(await takeAll(queue)).toEqual(order);
  });

  it('promotes a queued key, behind those already there, and never demotes it', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('a', { priority: 'sync' });
    queue.add('b', { priority: 'request' });
    queue.add('c', { priority: 'drift' });
    queue.add('a', { priority: 'request' });
    queue.add('b', { priority: 'sync' });
    expect(await takeAll(queue)).toEqual(['b', 'a', 'c']);
  });

  it('promotes a key that is being worked on for its next turn', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.get();
    queue.add('a', { priority: 'sync' });
    queue.add('a', { priority: 'request' });
    queue.add('b', { priority: 'drift' });
    queue.done('a');
    expect(await queue.get()).toMatchObject({ key: 'a', priority: 'request' });
  });

  it('serves a starving key at every eighth turn', async () => {
    const clock = new FakeClock();
    const queue = createQueue({ clock });
    queue.add('old', { priority: 'sync' });
    await clock.advance(30_000);
    for (let i = 0; i < 20; i += 1) queue.add(`r${i}`, { priority: 'request' });
    const order = await takeAll(queue);
    expect(order.indexOf('old')).toBe(7);
  });

  it('lets no key starve that has not waited long', async () => {
    const clock = new FakeClock();
    const queue = createQueue({ clock });
    queue.add('young', { priority: 'sync' });
    await clock.advance(29_999);
    for (let i = 0; i < 20; i += 1) queue.add(`r${i}`, { priority: 'request' });
    expect((await takeAll(queue)).at(-1)).toBe('young');
  });

  it('gives waiting takers keys in the order they asked', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    const takers = [queue.get(), queue.get()];
    queue.add('a');
    queue.add('b');
    expect((await Promise.all(takers)).map((item) => item?.key)).toEqual(['a', 'b']);
  });

  it('says how long a key was queued', async () => {
    const clock = new FakeClock();
    const queue = createQueue({ clock });
    queue.add('a');
    await clock.advance(250);
    expect(await queue.get()).toEqual({ key: 'a', priority: 'change', waitedMs: 250 });
  });

  it('takes no key for an aborted get', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    const abort = new AbortController();
    const taker = queue.get(abort.signal);
    abort.abort();
    expect(await taker).toBeUndefined();
    queue.add('a');
    expect(queue.length).toBe(1);
    expect(await queue.get(abort.signal)).toBeUndefined();
  });

  it('drops everything on close and gives undefined to everyone', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    const taker = queue.get();
    queue.close();
    queue.add('a');
    expect(await taker).toBeUndefined();
    expect(await queue.get()).toBeUndefined();
    expect(queue.length).toBe(0);
  });
});
