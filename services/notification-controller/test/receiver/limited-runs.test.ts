import { expect, test } from 'vitest';
import { LimitedRuns } from '../../src/receiver/limited-runs.ts';

test('calls over the limit are not run, those of other keys and later ones are', async () => {
  const runs = new LimitedRuns(2);
  const release = Promise.withResolvers<void>();
  const wait = async () => {
    await release.promise;
    return 'done';
  };
  const running = [runs.run('a', wait), runs.run('a', wait)];
  expect(await runs.run('a', wait)).toBeUndefined();
  expect(await runs.run('b', async () => 'other')).toBe('other');
  release.resolve();
  expect(await Promise.all(running)).toEqual(['done', 'done']);
  expect(await runs.run('a', wait)).toBe('done');
});

test('one that fails makes room', async () => {
  const runs = new LimitedRuns(1);
  await expect(runs.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await runs.run('a', async () => 'next')).toBe('next');
});
