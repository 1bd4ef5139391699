import { errorMessage } from '@sluice/shared/base';
import { coreResources, isAlreadyExists, isForbidden } from '@sluice/shared/kube';
import { assertStorable } from '../release/encode.ts';
import type { Release } from '../release/release.ts';
import { applyError, applyRelease, keepApplied } from './apply-release.ts';
import { type ActionContext, ActionError, type ActionOptions, timestamp } from './context.ts';
import { runHooks } from './hooks.ts';
import { labelled } from './labelled.ts';
import { type ReleaseObject, resolveObjects } from './objects.ts';
import { findMetadata, requireOwnership } from './ownership.ts';
import { waitForRelease } from './readiness.ts';
import { failRelease, ReleaseRecord } from './record.ts';

/** How to install. */
export interface InstallOptions extends ActionOptions {
  /** Takes over objects that exist; otherwise they must belong to the release. */
  takeOwnership: boolean;
  createNamespace: boolean;
  /** Uses the name of a release that was uninstalled or has failed again. */
  replace: boolean;
}

/** What to install. */
export interface InstallRequest {
  /** As rendered; the action sets its status, times and, when it replaces another, its number. */
  release: Release;
  /** The newest stored revision of that name. */
  last: Release | undefined;
  options: InstallOptions;
}

/**
 * Installs a release: checks, the namespace, the record of the revision, hooks, objects, waiting, hooks, and the
 * result in the record.
 *
 * @returns the release as it is stored, deployed
 * @throws StalledError ReleaseTooLarge and RetryableError ManifestInvalid before anything is done; ActionError when
 * something was refused or did not get ready; the signal's reason when aborted, which leaves the release pending
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/install.go
 */
export async function install(ctx: ActionContext, request: InstallRequest): Promise<Release> {
  const { release, last, options } = request;
  checkName(release, last, options);
  await assertStorable(release);
  const objects = await resolveObjects(ctx.client, release);
  if (!options.takeOwnership) await checkOwnership(ctx, release, objects);
  if (options.createNamespace) await createNamespace(ctx, release.namespace);
  if (last !== undefined) await replaceRelease(ctx, release, last);
  const now = timestamp(ctx);
  release.info.first_deployed = now;
  release.info.last_deployed = now;
  release.info.status = 'pending-install';
  release.info.description = 'Initial install underway';
  const record = await ReleaseRecord.create(ctx, release);
  try {
    await applyBetweenHooks(ctx, record, objects, options);
  } catch (error) {
    const describe = (message: string) => `Release "${release.name}" failed: ${message}`;
    throw await failRelease(ctx, record, error, describe);
  }
  await record.settle('deployed', 'Install complete');
  return release;
}

async function applyBetweenHooks(
  ctx: ActionContext,
  record: ReleaseRecord,
  objects: readonly ReleaseObject[],
  options: InstallOptions,
): Promise<void> {
  const { release } = record;
  const { timeoutMs, disableHooks } = options;
  if (!disableHooks) {
    await labelled('failed pre-install', () =>
      runHooks(ctx, record, { event: 'pre-install', timeoutMs }),
    );
  }
  const { changes, failures } = await applyRelease(ctx, {
    release,
    objects,
    former: [],
    takesOver: options.takeOwnership,
  });
  if (failures.length > 0) throw applyError(failures);
  keepApplied(ctx, objects);
  await waitForRelease(ctx, changes, options);
  if (!disableHooks) {
    await labelled('failed post-install', () =>
      runHooks(ctx, record, { event: 'post-install', timeoutMs }),
    );
  }
}

function checkName(release: Release, last: Release | undefined, { replace }: InstallOptions): void {
  if (last === undefined) return;
  const { status } = last.info;
  if (replace && (status === 'uninstalled' || status === 'failed')) return;
  throw new ActionError(
    `release name check failed: cannot reuse a name that is still in use: '${release.name}' has revision ${last.version}, which is ${status}`,
  );
}

async function checkOwnership(
  ctx: ActionContext,
  release: Release,
  objects: readonly ReleaseObject[],
): Promise<void> {
  await labelled('unable to continue with install', () =>
    ctx.slots.run(() => requireOwnership(ctx, release, objects)),
  );
}

async function createNamespace(ctx: ActionContext, name: string): Promise<void> {
  const { client, signal } = ctx;
  const { fieldManager } = ctx.identity;
  const resource = coreResources.namespaces;
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { name } } };
  try {
    await client.create(resource, object, { fieldManager, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isAlreadyExists(error)) return;
    // Who may not create namespaces needs none when it is there.
    if (isForbidden(error) && (await exists(ctx, { object, resource }))) return;
    throw new ActionError(`namespace '${name}' could not be created: ${errorMessage(error)}`);
  }
}

async function exists(ctx: ActionContext, item: ReleaseObject): Promise<boolean> {
  try {
    return (await findMetadata(ctx, item)) !== undefined;
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

/** Gives the release the number after that of the one it replaces. */
async function replaceRelease(ctx: ActionContext, release: Release, last: Release): Promise<void> {
  release.version = last.version + 1;
  if (last.info.status === 'failed') return;
  last.info.status = 'superseded';
  last.info.description = 'superseded by new release';
  await ctx.storage.update(last);
}
