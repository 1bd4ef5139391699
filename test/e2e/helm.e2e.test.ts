import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCanaries } from './canaries.ts';
import { deleteRelease, helmJob, passwordSecret } from './helm-job.ts';
import { prepare } from './objects.ts';
import { startWorld, type World } from './world.ts';

describe('a commit becomes a Helm release that stays as it is, and someone hears about it', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
    await prepare(world);
    await world.apply(passwordSecret);
  });
  afterAll(() => world?.stop());

  for (const step of helmJob) {
    test(step.name, () => step.run(world), 120_000);
  }

  test('no secret value is in logs, events, status, metrics, arguments, or files', async () => {
    expect(await findCanaries(world)).toEqual([]);
  });

  test('deleting the HelmRelease leaves nothing behind', () => deleteRelease(world), 120_000);
});
