import { describe, expect, test } from 'vitest';
import { FairSlots } from '../../src/base/index.ts';

/** Calls that note when they start and end when they are told. */
function calls(slots: FairSlots) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    start(share: string, name: string, signal?: AbortSignal) {
      const body = () =>
        new Promise<string>((resolve) => {
          started.push(name);
          ends.set(name, () => resolve(name));
        });
      return slots.run(share, body, signal);
    },
    end: (name: string) => ends.get(name)?.(),
  };
}

describe('FairSlots', () => {
  test('keeps a slot for a newcomer, however much one share asks for', async () => {
    const { started, start, end } = calls(new FairSlots({ total: 3, perShare: 2 }));
    const all = ['a1', 'a2', 'a3', 'a4'].map((name) => start('a', name));
    await new Promise(setImmediate);
    expect(started).toEqual(['a1', 'a2']);
    all.push(start('b', 'b1'));
    await new Promise(setImmediate);
    expect(started).toEqual(['a1', 'a2', 'b1']);
    for (const name of ['a1', 'a2', 'b1', 'a3', 'a4']) {
      end(name);
      await new Promise(setImmediate);
    }
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1']);
  });

  test('lets shares that wait take turns', async () => {
    const { started, start, end } = calls(new FairSlots({ total: 1, perShare: 1 }));
    const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((name) => start(name.slice(0, 1), name));
    await new Promise(setImmediate);
    for (let ended = 0; ended < all.length; ended++) {
      end(started[ended] as string);
      await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  test('gives up waiting when told, and frees its slot when a call fails', async () => {
    const slots = new FairSlots({ total: 1, perShare: 1 });
    const { start, end } = calls(slots);
    const first = start('a', 'a1');
    const abort = new AbortController();
    const second = start('a', 'a2', abort.signal);
    await new Promise(setImmediate);
    abort.abort(new Error('deleted'));
    await expect(second).rejects.toThrow('deleted');
    end('a1');
    await first;
    await expect(slots.run('a', () => Promise.reject(new Error('fails')))).rejects.toThrow('fails');
    expect(await slots.run('b', async () => 'runs')).toBe('runs');
  });

  test('refuses limits of nothing', () => {
    expect(() => new FairSlots({ total: 0, perShare: 1 })).toThrow(RangeError);
  });
});
