import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { mainJob, type Progress, prepare } from './main-job.ts';
import { signedEvents, startWorld, type World } from './world.ts';

describe('without NATS everything reconciles, and the alerts arrive once NATS is back', () => {
  let world: World;
  const progress: Progress = { revisions: [], badRevision: '' };

  beforeAll(async () => {
    world = await startWorld({ natsDown: true });
    await prepare(world);
  });
  afterAll(() => world?.stop());

  for (const step of mainJob(progress)) {
    test(step.name, () => step.run(world), 120_000);
  }

  test('no alert was sent while NATS was away', () => {
    expect([world.slack.requests, world.hmac.requests]).toEqual([[], []]);
  });

  test('all alerts arrive after it returns, each once', async () => {
    await world.nats.restart();
    await expectAllAnnounced(world, progress);
    const seen = signedEvents(world.hmac).map((e) =>
      JSON.stringify([e.involvedObject.kind, e.reason, e.message, e.metadata]),
    );
    expect(seen).toEqual([...new Set(seen)]);
  }, 120_000);
});
