import { FakeClock } from '@sluice/shared/base';
import { describe, expect, it } from 'vitest';
import { createQueue, type Queue } from '../../../src/runtime/queue/queue.ts';

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

  it('serves what goes on before changes of its own namespace, and not of others', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    for (const key of ['a/1', 'b/1', 'a/2', 'b/2']) queue.add(key);
    queue.add('b/3', { priority: 'progress' });
    expect(queue.length).toBe(5);
    expect(await takeAll(queue)).toEqual(['a/1', 'a/2', 'b/3', 'b/1', 'b/2']);
    expect(queue.length).toBe(0);
  });

  it('serves urgent keys first and equal ones in order', async () => {
    const queue = createQueue({ clock: new FakeClock() });
    queue.add('sync1', { priority: 'sync' });
    queue.add('change1');
    queue.add('progress1', { priority: 'progress' });
    queue.add('drift1', { priority: 'drift' });
    queue.add('change2', { priority: 'change' });
    queue.add('request1', { priority: 'request' });
    queue.add('sync2', { priority: 'sync' });
    const order = ['request1', 'drift1', 'progress1', 'change1', 'change2', 'sync1', 'sync2'];
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

  it('gives one namespace no more than its share, and others theirs at once', async () => {
    const queue = createQueue({ clock: new FakeClock(), perNamespace: 2 });
    for (const name of ['1', '2', '3', '4']) queue.add(`slow/${name}`, { priority: 'request' });
    queue.add('quick/1', { priority: 'sync' });
    const take = async () => (await queue.get())?.key;
    expect([await take(), await take(), await take()]).toEqual(['slow/1', 'slow/2', 'quick/1']);
    const waiting = take();
    queue.add('slow/5');
    queue.add('newcomer/1');
    expect(await waiting).toBe('newcomer/1');
    const next = take();
    queue.done('slow/2');
    expect(await next).toBe('slow/3');
    expect(queue.length).toBe(2);
  });

  it('prefers the namespace with the fewest keys being worked on, then the older key', async () => {
    const queue = createQueue({ clock: new FakeClock(), perNamespace: 3 });
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c/1']) queue.add(key);
    const keys: string[] = [];
    while (queue.length > 0) keys.push((await queue.get())!.key);
    expect(keys).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'b/2', 'a/3']);
  });

  it('lets a starving key of a namespace that has its share wait for its own', async () => {
    const clock = new FakeClock();
    const queue = createQueue({ clock, perNamespace: 1 });
    queue.add('slow/1');
    await queue.get();
    queue.add('slow/2');
    await clock.advance(60_000);
    for (let i = 0; i < 20; i += 1) queue.add(`quick/${i}`);
    for (let i = 0; i < 20; i += 1) {
      const item = await queue.get();
      expect(item?.key).toBe(`quick/${i}`);
      queue.done(item!.key);
    }
    queue.done('slow/1');
    expect((await queue.get())?.key).toBe('slow/2');
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
