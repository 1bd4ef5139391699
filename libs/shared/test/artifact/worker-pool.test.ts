import { getPriority } from 'node:os';
import { WorkerPool, type WorkerPoolOptions } from '@sluice/shared/artifact';
import { describe, expect, it } from 'vitest';
import type { PoolTask } from './pool-worker.ts';

function newPool(o: Partial<WorkerPoolOptions> = {}) {
  const url = new URL('./pool-worker.ts', import.meta.url);
  const pool = new WorkerPool({ url, size: 2, idleMs: 100, ...o });
  return {
    echo: (value: string, share?: string) =>
      pool.run<string>({ do: 'echo', value } satisfies PoolTask, { share }),
    spin: (share: string, signal?: AbortSignal) =>
      pool.run({ do: 'spin' } satisfies PoolTask, { share, signal }),
    allocate: () => pool.run({ do: 'allocate' } satisfies PoolTask),
    niceness: () => pool.run<number>({ do: 'tell its niceness' } satisfies PoolTask),
  };
}

describe('WorkerPool', () => {
  it.runIf(process.platform === 'linux')('lets event loops go first', async () => {
    const own = getPriority();
    expect(await newPool().niceness()).toBe(10);
    expect(getPriority()).toBe(own);
  });

  it('ends a task that is aborted while it computes, and goes on with a new thread', async () => {
    const pool = newPool({ size: 1 });
    const stop = new AbortController();
    const spinning = pool.spin('a', stop.signal);
    const waiting = pool.echo('next', 'a');
    stop.abort(new Error('object deleted'));
    await expect(spinning).rejects.toThrow('object deleted');
    expect(await waiting).toBe('next');
  });

  it('ends the waiting of a task that is aborted before its turn', async () => {
    const pool = newPool({ size: 1 });
    const running = new AbortController();
    const spinning = pool.spin('a', running.signal);
    const stop = new AbortController();
    const waiting = pool.spin('a', stop.signal);
    stop.abort(new Error('never started'));
    await expect(waiting).rejects.toThrow('never started');
    running.abort(new Error('done'));
    await expect(spinning).rejects.toThrow('done');
  });

  it('keeps a thread for others while one share computes without end', async () => {
    const pool = newPool({ size: 2 });
    const stop = new AbortController();
    const spinning = Array.from({ length: 10 }, () => pool.spin('greedy', stop.signal));
    expect(await pool.echo('hello', 'other')).toBe('hello');
    expect(await pool.echo('again', 'other')).toBe('again');
    stop.abort(new Error('stopped'));
    const outcomes = await Promise.allSettled(spinning);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await pool.echo('still there', 'greedy')).toBe('still there');
  });

  it('ends a task that takes longer than any may', async () => {
    const pool = newPool({ deadlineMs: 200 });
    await expect(pool.spin('a')).rejects.toMatchObject({
      name: 'BudgetError',
      message: 'not finished within 200ms',
    });
  });

  it('ends a task that takes more memory than any may', async () => {
    const pool = newPool({ maxHeapMb: 32 });
    await expect(pool.allocate()).rejects.toMatchObject({
      name: 'BudgetError',
      message: 'it takes more than 32 MiB of memory',
    });
    expect(await pool.echo('next')).toBe('next');
  });
});
