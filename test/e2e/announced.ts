import type { FluxEvent } from '@sluice/shared/api';
import type { Progress } from './main-job.ts';
import { signedEvents, slackTexts, timeoutMs, type World } from './world.ts';

function isFor(event: FluxEvent, revision: string): boolean {
  return (
    event.involvedObject.kind === 'Kustomization' &&
    (event.metadata?.['revision'] ?? '').endsWith(revision)
  );
}

/**
 * Waits until each applied revision, and the failure with its reason, has reached the signed webhook and Slack, and
 * Alertmanager has seen the failure begin and end.
 */
export async function expectAllAnnounced(world: World, progress: Progress): Promise<void> {
  for (const revision of progress.revisions) {
    await world.hmac.waitFor(
      () =>
        signedEvents(world.hmac).some(
          (e) => e.reason === 'ReconciliationSucceeded' && isFor(e, revision),
        ),
      { timeoutMs },
    );
  }
  await world.hmac.waitFor(
    () =>
      signedEvents(world.hmac).some(
        (e) =>
          e.severity === 'error' &&
          isFor(e, progress.badRevision) &&
          e.message.includes('spec.replicas'),
      ),
    { timeoutMs },
  );
  await world.slack.waitFor(
    () => slackTexts(world.slack).some((text) => text.includes('spec.replicas')),
    { timeoutMs },
  );
  // It is over by now, which is told to whom the failure was told only.
  await world.alertmanager.waitForEnd(
    ({ labels }) =>
      labels['severity'] === 'error' &&
      labels['kind'] === 'Kustomization' &&
      labels['name'] === 'shop',
    timeoutMs,
  );
}
