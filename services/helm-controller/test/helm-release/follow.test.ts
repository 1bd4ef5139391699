import { FakeClock } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import { Waits } from '../../src/action/waits.ts';
import type { ActionEnd } from '../../src/helm-release/action.ts';
import { BackgroundTask } from '../../src/helm-release/background-task.ts';
import type { Run } from '../../src/helm-release/run.ts';
import { follow } from '../../src/helm-release/running-action.ts';
import type { RunningAction } from '../../src/helm-release/state.ts';

/** An action that only waits, and what the reconciles that look at it say. */
function waitingAction() {
  const clock = new FakeClock();
  const said: string[] = [];
  const status = {
    reconciling: (_: string, message: string) => said.push(message),
    undo: () => undefined,
  };
  const ctx = { key: 'ns/app', clock, status };
  const deps = { revisit() {} };
  const run = { ctx, deps, state: {}, hasActed: false } as unknown as Run;
  const waits = new Waits();
  const task = new BackgroundTask<ActionEnd>(
    { run: (work) => work(), signal: new AbortController().signal },
    async ({ slots }) => {
      await slots.run(async () => {});
      return new Promise<never>(() => {});
    },
  );
  const running: RunningAction = {
    action: { type: 'install' },
    fingerprint: '',
    desired: undefined,
    startedAt: clock.now(),
    timeoutMs: 300_000,
    trace: undefined,
    task,
    waits,
  };
  /** Returns the milliseconds after which the key comes back. */
  const look = async () => {
    const outcome = await follow(run, running);
    if (outcome?.type !== 'waiting') throw new Error('it does not wait');
    return (outcome.deadlineAt ?? Number.POSITIVE_INFINITY) - clock.now();
  };
  return { clock, said, waits, look };
}

const message = "Running 'install' action with a timeout of 5m0s";

test('what an action waits for is said after a second, and looked at again every 15 s at most', async () => {
  const { clock, said, waits, look } = waitingAction();
  let pending = 'one';
  waits.begin(() => [pending]);
  expect(await look()).toBe(1000);
  expect(said).toEqual([]);
  await clock.advance(1000);
  expect(await look()).toBe(15_000);
  pending = 'two';
  await clock.advance(5000);
  expect(await look()).toBe(10_000);
  await clock.advance(10_000);
  expect(await look()).toBe(15_000);
  expect(said).toEqual([
    `${message}, waiting for: [one]`,
    `${message}, waiting for: [one]`,
    `${message}, waiting for: [two]`,
  ]);
});

test('an action that waits for nothing yet is looked at again after a second', async () => {
  const { clock, said, waits, look } = waitingAction();
  await clock.advance(1000);
  expect(await look()).toBe(1000);
  waits.begin(() => ['one']);
  await clock.advance(1000);
  expect(await look()).toBe(15_000);
  expect(said).toEqual([message, `${message}, waiting for: [one]`]);
});
