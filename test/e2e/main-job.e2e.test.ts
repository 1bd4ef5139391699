import { describe, expect, test } from 'vitest';
import { expectAllAnnounced } from './announced.ts';
import { findCanaries } from './canaries.ts';
import { deleteAll } from './main-job.ts';
import { useMainJob } from './use-main-job.ts';
import { slackTexts, timeoutMs } from './world.ts';

describe('a commit becomes a healthy, drift-proof workload, and someone hears about it', () => {
  const job = useMainJob();

  for (const step of job.steps) {
    test(step.name, () => step.run(job.world), 120_000);
  }

  test(
    'every revision and the failure are announced to Slack, a signed webhook and Alertmanager',
    () => expectAllAnnounced(job.world, job.progress),
    60_000,
  );

  test(
    'the end of the failure is announced to Slack',
    async () => {
      await job.world.slack.waitFor(
        () => slackTexts(job.world.slack).some((text) => text.startsWith('Recovered from ')),
        { timeoutMs },
      );
    },
    timeoutMs,
  );

  test('no secret value appears in a log, event, status, NATS message, metric, argument or file', async () => {
    expect(await findCanaries(job.world)).toEqual([]);
  });

  test(
    'deleting the Kustomization and the source leaves nothing behind',
    () => deleteAll(job.world),
    60_000,
  );
});
