import { ByteBudget, TimeSlice, WorkBudget } from '@sluice/shared/base';
import { describe, expect, it } from 'vitest';

describe('ByteBudget', () => {
  it('lets one share hold its part and no more', async () => {
    const budget = new ByteBudget({ total: 100, perShare: 60 });
    const release = await budget.acquire('a', 60);
    const order: string[] = [];
    const second = budget.acquire('a', 10).then((free) => order.push('a') && free());
    const other = await budget.acquire('b', 40);
    order.push('b');
    expect(budget.held).toBe(100);
    release();
    await second;
    other();
    expect(order).toEqual(['b', 'a']);
    expect(budget.held).toBe(0);
  });

  it('refuses what one share may never hold, and says both figures', async () => {
    const budget = new ByteBudget({ total: 100, perShare: 60 });
    await expect(budget.acquire('a', 61)).rejects.toMatchObject({
      name: 'BudgetError',
      message: '61 bytes of memory are needed, more than the 60 that one namespace may hold',
    });
  });

  it('lets nobody overtake the share whose turn it is, and shares take turns', async () => {
    const budget = new ByteBudget({ total: 100, perShare: 90 });
    const first = await budget.acquire('a', 80);
    const order: string[] = [];
    const take = (share: string, bytes: number, name: string) =>
      budget.run(share, bytes, async () => {
        order.push(name);
      });
    const all = [
      take('b', 90, 'b1'),
      take('b', 10, 'b2'),
      take('c', 20, 'c1'),
      take('c', 10, 'c2'),
    ];
    await Promise.resolve();
    expect(order).toEqual([]);
    first();
    await Promise.all(all);
    expect(order).toEqual(['b1', 'c1', 'b2', 'c2']);
    expect(budget.held).toBe(0);
  });

  it('ends the waiting of whoever is aborted, and lets those behind it go on', async () => {
    const budget = new ByteBudget({ total: 100, perShare: 90 });
    const first = await budget.acquire('a', 80);
    const stop = new AbortController();
    const large = budget.acquire('b', 90, stop.signal);
    const small = budget.acquire('c', 20);
    stop.abort(new Error('deleted'));
    await expect(large).rejects.toThrow('deleted');
    (await small)();
    first();
    first();
    expect(budget.held).toBe(0);
  });
});

describe('WorkBudget', () => {
  it('ends what takes too many steps', () => {
    const budget = new WorkBudget('counting', 10);
    budget.take(10);
    expect(() => budget.take(1)).toThrow('counting takes more than 10 steps');
  });
});

describe('TimeSlice', () => {
  it('ends long work between two slices', async () => {
    const stop = new AbortController();
    const slice = new TimeSlice(stop.signal);
    await slice.next();
    stop.abort(new Error('enough'));
    await expect(slice.next()).rejects.toThrow('enough');
  });
});
