import { describe, expect, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { useMainJob } from './use-main-job.ts';
import { signedEvents } from './world.ts';

describe('without NATS everything reconciles, and the alerts arrive once NATS is back', () => {
  const job = useMainJob({ natsDown: true });

  for (const step of job.steps) {
    test(step.name, () => step.run(job.world), 120_000);
  }

  test('no alert was sent while NATS was away', () => {
    expect([job.world.slack.requests, job.world.hmac.requests]).toEqual([[], []]);
  });

  test('all alerts arrive after it returns, each once', async () => {
    await job.world.nats.restart();
    await expectAllAnnounced(job.world, job.progress);
    const seen = signedEvents(job.world.hmac).map((e) =>
      JSON.stringify([e.involvedObject.kind, e.reason, e.message, e.metadata]),
    );
    expect(seen).toEqual([...new Set(seen)]);
  }, 120_000);
});
