import { expect, test } from 'vitest';
import { SharedRuns } from '../../src/receiver/shared-runs.ts';

test('callers that come meanwhile share one more call, the last one’s', async () => {
  const runs = new SharedRuns<string>();
  const first = Promise.withResolvers<string>();
  const started: string[] = [];
  const call = (name: string, result: Promise<string> | string = name) =>
    runs.run('key', async () => {
      started.push(name);
      return result;
    });
  const results = [call('first', first.promise), call('second'), call('third'), call('fourth')];
  expect(started).toEqual(['first']);
  first.resolve('first');
  expect(await Promise.all(results)).toEqual(['first', 'fourth', 'fourth', 'fourth']);
  expect(started).toEqual(['first', 'fourth']);
  expect(await call('fifth')).toBe('fifth');
});

test('a call that fails fails for its callers only', async () => {
  const runs = new SharedRuns<string>();
  const first = Promise.withResolvers<string>();
  const failing = runs.run('key', () => first.promise);
  const next = runs.run('key', async () => 'next');
  first.reject(new Error('broken'));
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('next');
});

test('keys do not wait for each other', async () => {
  const runs = new SharedRuns<string>();
  const endless = new Promise<string>(() => {});
  void runs.run('slow', () => endless);
  expect(await runs.run('fast', async () => 'done')).toBe('done');
});
