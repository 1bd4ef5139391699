import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { findCanaries } from './canaries.ts';
import { deleteAll, mainJob, type Progress, prepare } from './main-job.ts';
import { startWorld, type World } from './world.ts';

describe('a commit becomes a healthy, drift-proof workload, and someone hears about it', () => {
  let world: World;
  const progress: Progress = { revisions: [], badRevision: '' };

  beforeAll(async () => {
    world = await startWorld();
    await prepare(world);
  });
  afterAll(() => world?.stop());

  for (const step of mainJob(progress)) {
    test(step.name, () => step.run(world), 120_000);
  }

  test(
    'every revision and the failure are announced to Slack, a signed webhook and Alertmanager',
    () => expectAllAnnounced(world, progress),
    60_000,
  );

  test('no secret value appears in a log, event, status, NATS message, metric, argument or file', async () => {
    expect(await findCanaries(world)).toEqual([]);
  });

  test(
    'deleting the Kustomization and the source leaves nothing behind',
    () => deleteAll(world),
    60_000,
  );
});
