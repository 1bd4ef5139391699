import { controllerNames } from '@sluice/shared/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { deleteAll, mainJob, type Progress, prepare } from './main-job.ts';
import { startWorld, type World } from './world.ts';

/** Moments after a step begins, in milliseconds, spread over what a step takes. */
const killAfterMs = [0, 15, 40, 80, 150, 300];

describe('killing a process at any time changes nothing in the end result', () => {
  let world: World;
  const progress: Progress = { revisions: [], badRevision: '' };

  beforeAll(async () => {
    world = await startWorld();
    await prepare(world);
  });
  afterAll(() => world?.stop());

  /** Kills each controller once, and NATS, at its own moment, and starts it again. */
  async function killEverything(round: number): Promise<void> {
    const victims = [
      ...controllerNames.map((name) => ({
        kill: () => world.controllers.processes[name].kill(),
        start: () => world.controllers.processes[name].start(),
      })),
      { kill: () => world.nats.kill(), start: () => world.nats.restart() },
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

  mainJob(progress).forEach((step, round) => {
    test(step.name, async () => {
      await Promise.all([step.run(world), killEverything(round)]);
    }, 120_000);
  });

  test(
    'every revision and the failure are announced',
    () => expectAllAnnounced(world, progress),
    120_000,
  );

  test('deleting the Kustomization and the source leaves nothing behind', async () => {
    await Promise.all([deleteAll(world), killEverything(3)]);
  }, 120_000);
});
