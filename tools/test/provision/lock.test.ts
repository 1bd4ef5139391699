import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from '../../provision/lock.ts';

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-lock-'));
  path = join(dir, 'lock');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function held(holder: object, ageMs = 0): Promise<void> {
  await writeFile(path, JSON.stringify(holder));
  const time = new Date(Date.now() - ageMs);
  await utimes(path, time, time);
}

test('one holder at a time, and nothing is left behind', async () => {
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, work, { pollMs: 1 })));
  expect(await readdir(dir)).toEqual([]);
});

test('the lock is free again after the work failed', async () => {
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(path, async () => 'next')).toBe('next');
});

test('a waiting process says so once and goes on when the holder is done', async () => {
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const first = withLock(path, () => {
    started.resolve();
    return released.promise;
  });
  await started.promise;
  const waits: string[] = [];
  const onWait = (holder: string) => {
    waits.push(holder);
    released.resolve();
  };
  // The holder is this very process, which is alive: only its release lets the second one in.
  expect(await withLock(path, async () => 'second', { pollMs: 1, onWait })).toBe('second');
  await first;
  expect(waits).toHaveLength(1);
  expect(waits[0]).toContain(String(process.pid));
});

test('the lock of a process that is gone is taken over', async () => {
  const { pid } = spawnSync('true');
  await held({ pid, host: hostname(), token: 'x' });
  expect(await withLock(path, async () => 'mine')).toBe('mine');
});

test('a lock that nobody refreshed is taken over, whoever held it', async () => {
  await held({ pid: process.pid, host: 'another-host', token: 'x' }, 120_000);
  expect(await withLock(path, async () => 'mine')).toBe('mine');
});
