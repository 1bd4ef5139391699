import { controllerNames } from '@sluice/testing';
import { describe, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { deleteAll } from './main-job.ts';
import { useMainJob } from './use-main-job.ts';

/** Moments after a step begins, in milliseconds, spread over what a step takes. */
const killAfterMs = [0, 15, 40, 80, 150, 300];

describe('killing a process at any time changes nothing in the end result', () => {
  const job = useMainJob();

  /** Kills each controller once, and NATS, at its own moment, and starts it again. */
  async function killEverything(round: number): Promise<void> {
    const victims = [
      ...controllerNames.map((name) => ({
        kill: () => job.world.controllers.processes[name].kill(),
        start: () => job.world.controllers.processes[name].start(),
      })),
      { kill: () => job.world.nats.kill(), start: () => job.world.nats.restart() },
    ];
    await Promise.all(
      victims.map(async ({ kill, start }, index) => {
        const moment = killAfterMs[(round + 2 * index) % killAfterMs.length] as number;
        await new Promise((resolve) => setTimeout(resolve, moment));
        await kill();
        await start();
      }),
    );
  }

  job.steps.forEach((step, round) => {
    test(step.name, async () => {
      await Promise.all([step.run(job.world), killEverything(round)]);
    }, 120_000);
  });

  test(
    'every revision and the failure are announced',
    () => expectAllAnnounced(job.world, job.progress),
    120_000,
  );

  test('deleting the Kustomization and the source leaves nothing behind', async () => {
    await Promise.all([deleteAll(job.world), killEverything(3)]);
  }, 120_000);
});
