import type { KubeObject } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import { displayName, lacksValues } from '@sluice/shared/engine';
import { type ApiResource, gvkOf, NoKindMatchError } from '@sluice/shared/kube';
import { compareBytes } from '../release/go-text.ts';
import { documentObjects } from '../release/manifest.ts';
import {
  type Hook,
  type HookDeletePolicy,
  type HookEvent,
  type Release,
  runsAt,
} from '../release/release.ts';
import { applyHook } from './apply-hook.ts';
import { applyError } from './apply-release.ts';
import { type ActionContext, ActionError, timestamp } from './context.ts';
import { deleteReleaseObjects } from './delete-objects.ts';
import { describeLogs, readHookLogs } from './logs.ts';
import { type ReleaseObject, scoped } from './objects.ts';
import { hookReadiness, vanishes } from './readiness.ts';
import type { ReleaseRecord } from './record.ts';
import { waitUntilDeleted } from './wait-deleted.ts';
import { NotReadyError, waitUntilReady } from './wait-ready.ts';

/** Which hooks to run, and for how long. */
export interface HookRun {
  event: HookEvent;
  /** Limit of each single wait, in milliseconds. */
  timeoutMs: number;
  /** Leaves hooks out; none unless told. */
  isSelected?(hook: Hook): boolean;
  /** How the objects are made; as those of the release unless told. */
  applyMethod?: Release['apply_method'];
}

/**
 * Runs the hooks of an event one after another, lighter ones first, then by name. Each is recorded in the release when
 * it starts; how it ended is recorded with the next write of the release.
 *
 * @throws ActionError that names the hook that failed, why, and the last lines that it wrote
 */
export async function runHooks(
  ctx: ActionContext,
  record: ReleaseRecord,
  run: HookRun,
): Promise<void> {
  const succeeded: Hook[] = [];
  for (const hook of hooksOf(record.release, run)) {
    try {
      await runHook(ctx, record, hook, run);
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (hook.last_run.phase !== 'Failed') throw error;
      const problem = await cleanUpFailure(ctx, record, { hook, succeeded, run });
      throw problem === undefined ? error : new ActionError(`${errorMessage(error)}\n${problem}`);
    }
    succeeded.push(hook);
  }
  for (const hook of succeeded.reverse()) {
    await tellLogs(ctx, record, hook);
    await deleteByPolicy(ctx, record, { hook, policy: 'hook-succeeded', run });
  }
}

function hooksOf({ hooks = [] }: Release, { event, isSelected }: HookRun): Hook[] {
  return hooks
    .filter((hook) => runsAt(hook, event) && (isSelected?.(hook) ?? true))
    .sort((a, b) => (a.weight ?? 0) - (b.weight ?? 0) || compareBytes(a.name, b.name));
}

async function runHook(
  ctx: ActionContext,
  record: ReleaseRecord,
  hook: Hook,
  run: HookRun,
): Promise<void> {
  if (!hook.delete_policies?.length) hook.delete_policies = ['before-hook-creation'];
  await deleteByPolicy(ctx, record, { hook, policy: 'before-hook-creation', run });
  const objects = await hookObjects(ctx, record.release, hook);
  hook.last_run = { started_at: timestamp(ctx), phase: 'Running' };
  await record.save();
  // Whoever finds the release in between cannot know more.
  hook.last_run.phase = 'Unknown';
  try {
    await followHook(ctx, record.release, objects, run);
    hook.last_run = { ...hook.last_run, completed_at: timestamp(ctx), phase: 'Succeeded' };
  } catch (error) {
    ctx.signal.throwIfAborted();
    hook.last_run = { ...hook.last_run, completed_at: timestamp(ctx), phase: 'Failed' };
    throw new ActionError(`hook ${run.event} ${hook.path} failed: ${errorMessage(error)}`);
  }
}

async function hookObjects(
  ctx: ActionContext,
  release: Release,
  hook: Hook,
): Promise<ReleaseObject[]> {
  return Promise.all(
    documentObjects(hook.manifest, hook.path).map(async (object) => {
      const resource = await resourceOf(ctx, hook, object);
      return { object: scoped(object, resource, release.namespace), resource };
    }),
  );
}

async function resourceOf(
  ctx: ActionContext,
  hook: Hook,
  object: KubeObject,
): Promise<ApiResource> {
  try {
    return await ctx.client.mapper.resourceFor(gvkOf(object));
  } catch (error) {
    if (!(error instanceof NoKindMatchError)) throw error;
    throw new ActionError(
      `hook ${hook.path}: the cluster does not serve the kind of ${displayName(object)} (${object.apiVersion}); install its CRD first`,
    );
  }
}

async function followHook(
  ctx: ActionContext,
  release: Release,
  objects: readonly ReleaseObject[],
  { timeoutMs, applyMethod = release.apply_method }: HookRun,
): Promise<void> {
  const judge = (object: ReleaseObject['object']) => hookReadiness(object, ctx.healthRules);
  const applied = await applyHook(ctx, objects, applyMethod);
  const awaited = applied.map(({ object, resource }) => ({
    object,
    resource,
    judge,
    lacksValues: (shown: KubeObject) => lacksValues(shown, ctx.healthRules),
    vanishes: vanishes(object),
  }));
  try {
    await waitUntilReady(ctx, awaited, timeoutMs);
  } catch (error) {
    if (!(error instanceof NotReadyError)) throw error;
    const logs = await Promise.all(applied.map(({ object }) => readHookLogs(ctx, object)));
    throw new ActionError(`${error.message}${describeLogs(logs.flat())}`);
  }
}

/** Logs what a hook has written if its policy asks for it; of failed hooks the error tells that. */
async function tellLogs(ctx: ActionContext, record: ReleaseRecord, hook: Hook): Promise<void> {
  if (!hook.output_log_policies?.includes('hook-succeeded')) return;
  for (const { object } of await hookObjects(ctx, record.release, hook)) {
    for (const log of await readHookLogs(ctx, object))
      ctx.logger.info({ hook: hook.path, ...log }, 'Hook has succeeded');
  }
}

interface Deletion {
  hook: Hook;
  policy: HookDeletePolicy;
  run: HookRun;
}

/** Deletes the objects of a hook if its policy says so, and waits until they are gone. CRDs stay always. */
async function deleteByPolicy(
  ctx: ActionContext,
  { release }: ReleaseRecord,
  { hook, policy, run }: Deletion,
): Promise<void> {
  if (hook.kind === 'CustomResourceDefinition' || !hook.delete_policies?.includes(policy)) return;
  const objects = await hookObjects(ctx, release, hook);
  const { deleted, failures } = await deleteReleaseObjects(ctx, objects, {
    propagation: 'background',
  });
  if (failures.length > 0) throw applyError(failures.map(({ error }) => error));
  await waitUntilDeleted(ctx, deleted, run.timeoutMs);
}

/** Deletes what the policies say after a failure; returns what kept it from that. */
async function cleanUpFailure(
  ctx: ActionContext,
  record: ReleaseRecord,
  { hook, succeeded, run }: { hook: Hook; succeeded: readonly Hook[]; run: HookRun },
): Promise<string | undefined> {
  try {
    await deleteByPolicy(ctx, record, { hook, policy: 'hook-failed', run });
    for (const done of succeeded)
      await deleteByPolicy(ctx, record, { hook: done, policy: 'hook-succeeded', run });
    return undefined;
  } catch (error) {
    ctx.signal.throwIfAborted();
    return `its objects could not be deleted: ${errorMessage(error)}`;
  }
}
