import type { AppliedChange } from '@sluice/shared/engine';
import { assertStorable } from '../release/encode.ts';
import type { Release } from '../release/release.ts';
import { applyRevision, cleanUpCreated } from './apply-revision.ts';
import { type ActionContext, ActionError, type ActionOptions, timestamp } from './context.ts';
import { formerObjects } from './former-objects.ts';
import { pruneHistory, supersede } from './history.ts';
import { runHooks } from './hooks.ts';
import { labelled } from './labelled.ts';
import { type ReleaseObject, resolveObjects, withoutObjects } from './objects.ts';
import { requireOwnership } from './ownership.ts';
import { waitForRelease } from './readiness.ts';
import { failRelease, ReleaseRecord } from './record.ts';

/** How to upgrade. */
export interface UpgradeOptions extends ActionOptions {
  /** Takes over objects that exist and are new in the release; otherwise they must belong to it. */
  takeOwnership: boolean;
  /** Replaces objects instead of merging into them; only on the client side. */
  force: boolean;
  /** Sends all objects, also those that are as the deployed revision has sent them. */
  sendsAll: boolean;
  /** Deletes what a failed upgrade has created. */
  cleanupOnFail: boolean;
  /** Revisions that are kept; 0 for all. */
  maxHistory: number;
}

/** What to upgrade to. */
export interface UpgradeRequest {
  /** As rendered, its number included; the action sets its status and times. */
  release: Release;
  /** The deployed revision, or the last one when none is. */
  current: Release;
  options: UpgradeOptions;
}

/**
 * Upgrades a release: checks, the record of the revision, hooks, objects, deletion of those that left the
 * release, waiting, hooks, and the result in the records of the old and of the new revision.
 *
 * @returns the release as it is stored, deployed
 * @throws StalledError ReleaseTooLarge, RetryableError ManifestInvalid and ReleaseExistsError before anything is done;
 * ActionError when something was refused or did not get ready; the signal's reason when aborted, which leaves the
 * release pending
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/upgrade.go
 */
export async function upgrade(ctx: ActionContext, request: UpgradeRequest): Promise<Release> {
  const { release, current, options } = request;
  await assertStorable(release);
  const objects = await resolveObjects(ctx.client, release);
  const former = await formerObjects(ctx, current, release.version);
  if (!options.takeOwnership) {
    await labelled('unable to continue with update', () =>
      ctx.slots.run(() => requireOwnership(ctx, release, withoutObjects(objects, former))),
    );
  }
  release.info.first_deployed = current.info.first_deployed;
  release.info.last_deployed = timestamp(ctx);
  release.info.status = 'pending-upgrade';
  release.info.description = 'Preparing upgrade';
  const record = await ReleaseRecord.create(ctx, release);
  const created: AppliedChange[] = [];
  try {
    await pruneHistory(ctx, release, options.maxHistory);
    const sparesSettled = !options.sendsAll && follows(release, current);
    await applyBetweenHooks(ctx, record, { objects, former, options, created, sparesSettled });
    await supersede(ctx, current);
  } catch (error) {
    const describe = (message: string) => `Upgrade "${release.name}" failed: ${message}`;
    const failure = await failRelease(ctx, record, error, describe);
    if (!options.cleanupOnFail || !(failure instanceof ActionError)) throw failure;
    const problem = await cleanUpCreated(ctx, release, created);
    throw new ActionError(`${failure.message}${problem}`, release);
  }
  await record.settle('deployed', 'Upgrade complete');
  return release;
}

/** Whether the deployed revision is the one before, so that nothing is left of one that failed. */
function follows(release: Release, { info, version }: Release): boolean {
  return info.status === 'deployed' && version === release.version - 1;
}

interface Steps {
  objects: readonly ReleaseObject[];
  former: readonly ReleaseObject[];
  options: UpgradeOptions;
  created: AppliedChange[];
  sparesSettled: boolean;
}

async function applyBetweenHooks(
  ctx: ActionContext,
  record: ReleaseRecord,
  { created, options, ...revision }: Steps,
): Promise<void> {
  const { release } = record;
  const { timeoutMs, disableHooks, force } = options;
  if (!disableHooks) {
    await labelled('pre-upgrade hooks failed', () =>
      runHooks(ctx, record, { event: 'pre-upgrade', timeoutMs }),
    );
  }
  const changes = await applyRevision(ctx, { ...revision, release, force }, created);
  await waitForRelease(ctx, changes, options);
  if (!disableHooks) {
    await labelled('post-upgrade hooks failed', () =>
      runHooks(ctx, record, { event: 'post-upgrade', timeoutMs }),
    );
  }
}
