import type { AppliedChange } from '@sluice/shared/engine';
import { assertStorable } from '../release/encode.ts';
import type { Release } from '../release/release.ts';
import { applyRevision, cleanUpCreated } from './apply-revision.ts';
import { type ActionContext, ActionError, type ActionOptions, timestamp } from './context.ts';
import { formerObjects } from './former-objects.ts';
import { pruneHistory, supersede, supersedeDeployed } from './history.ts';
import { runHooks } from './hooks.ts';
import { resolveObjects } from './objects.ts';
import { waitForRelease } from './readiness.ts';
import { failRelease, ReleaseRecord } from './record.ts';

/** How to roll back. */
export interface RollbackOptions extends ActionOptions {
  /** `auto` does as the revision that is gone back to. */
  serverSideApply: 'enabled' | 'disabled' | 'auto';
  /** Replaces objects instead of merging into them; only on the client side. */
  force: boolean;
  /** Deletes what a failed rollback has created. */
  cleanupOnFail: boolean;
  /** Revisions that are kept; 0 for all. */
  maxHistory: number;
}

/** Where to go back to. */
export interface RollbackRequest {
  to: Release;
  /** The newest stored revision. */
  last: Release;
  options: RollbackOptions;
}

/**
 * Makes a new revision that is like an earlier one: its record, hooks, objects, deletion of those that the earlier one
 * does not have, waiting, hooks, and the result in the records.
 *
 * @returns the new revision as it is stored, deployed
 * @throws RetryableError ManifestInvalid and ReleaseExistsError before anything is done; ActionError when something was
 * refused or did not get ready; the signal's reason when aborted, which leaves the release pending
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/rollback.go
 */
export async function rollback(ctx: ActionContext, request: RollbackRequest): Promise<Release> {
  const { last, options } = request;
  const release = revisionLike(ctx, request);
  await assertStorable(release);
  const objects = await resolveObjects(ctx.client, release);
  const former = await formerObjects(ctx, last, release.version);
  const record = await ReleaseRecord.create(ctx, release);
  const created: AppliedChange[] = [];
  const { timeoutMs, disableHooks, force } = options;
  let step: 'hooks' | 'apply' | 'wait' = 'hooks';
  try {
    await pruneHistory(ctx, release, options.maxHistory);
    if (!disableHooks) await runHooks(ctx, record, { event: 'pre-rollback', timeoutMs });
    step = 'apply';
    const changes = await applyRevision(ctx, { release, objects, former, force }, created);
    step = 'wait';
    await waitForRelease(ctx, changes, options);
    if (!disableHooks) await runHooks(ctx, record, { event: 'post-rollback', timeoutMs });
    await supersedeDeployed(ctx, release);
  } catch (error) {
    const what = step === 'wait' ? 'Release' : 'Rollback';
    const describe = (message: string) => `${what} "${release.name}" failed: ${message}`;
    const failure = await failRelease(ctx, record, error, describe);
    if (!(failure instanceof ActionError)) throw failure;
    // Some of its objects were replaced, so that it is no longer what it was.
    if (step === 'apply') await supersede(ctx, last);
    if (!options.cleanupOnFail) throw failure;
    const problem = await cleanUpCreated(ctx, release, created);
    throw new ActionError(`${failure.message}${problem}`, release);
  }
  await record.settle('deployed');
  return release;
}

function revisionLike(ctx: ActionContext, { to, last, options }: RollbackRequest): Release {
  const { serverSideApply } = options;
  const isServerSide =
    serverSideApply === 'auto' ? to.apply_method === 'ssa' : serverSideApply === 'enabled';
  return {
    ...to,
    version: last.version + 1,
    namespace: last.namespace,
    info: {
      first_deployed: last.info.first_deployed,
      last_deployed: timestamp(ctx),
      status: 'pending-rollback',
      notes: to.info.notes,
      rollback_revision: to.version,
      description: `Rollback to ${to.version}`,
    },
    hooks: to.hooks?.map((hook) => ({ ...hook, last_run: { ...hook.last_run } })),
    apply_method: isServerSide ? 'ssa' : 'csa',
  };
}
