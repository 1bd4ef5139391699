import { ObjectGoneError } from '@sluice/shared/runtime';
import { expect, test } from 'vitest';
import { BackgroundTask } from '../../src/helm-release/background-task.ts';
import { HelmReleaseStates, type RunningAction } from '../../src/helm-release/state.ts';

test('an action whose HelmRelease vanishes ends in a way that is no failure of anything', async () => {
  const states = new HelmReleaseStates();
  const signal = new AbortController().signal;
  const task = new BackgroundTask<never>({ run: (fn) => fn(), signal }, async (part) => {
    await new Promise((_, reject) => {
      part.signal.addEventListener('abort', () => reject(part.signal.reason));
    });
    throw new Error('unreachable');
  });
  states.for('ns/app', 'uid').running = { task } as unknown as RunningAction;

  states.forget('ns/app');
  await task.settled;

  expect(task.ending).toMatchObject({ type: 'failed', error: expect.any(ObjectGoneError) });
  expect(states.peek('ns/app')).toBeUndefined();
});
