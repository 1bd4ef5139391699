import type { KubeObject } from '@sluice/shared/api';
import { coreResources, gvkOf, isForbidden, NoKindMatchError } from '@sluice/shared/kube';
import type { ActionContext } from '../../action/context.ts';
import { scoped, withOwner, withOwnership } from '../../action/objects.ts';
import { findMetadata } from '../../action/ownership.ts';
import { documentObjects, objectsOf } from '../../release/manifest.ts';
import type { HookEvent, Release } from '../../release/release.ts';
import type { Part } from '../action-context.ts';
import type { Run } from '../run.ts';
import type { ReleaseAction } from '../spec.ts';
import { wantedChartCrds } from '../verbs/chart-crds.ts';
import { renderInstall } from '../verbs/install.ts';
import { renderUpgrade } from '../verbs/upgrade.ts';

/** An object that runs while a release is made. */
export interface PlannedHook {
  object: KubeObject;
  events: HookEvent[];
}

/** A release that is yet to be made. */
export interface NextRelease {
  release: Release;
  /** The revision that an upgrade replaces. */
  current: Release | undefined;
  /** As they are applied. */
  objects: KubeObject[];
  /** Only those that have to be applied. */
  crds: KubeObject[];
  hooks: PlannedHook[];
}

/** Returns an object in its namespace; one of a kind that is not served yet as it stands. */
async function placed(
  { client }: ActionContext,
  object: KubeObject,
  namespace: string,
): Promise<KubeObject> {
  try {
    return scoped(object, await client.mapper.resourceFor(gvkOf(object)), namespace);
  } catch (error) {
    if (error instanceof NoKindMatchError) return object;
    throw error;
  }
}

/** Returns the hooks of a release that run at some events, in their places. */
export async function hooksAt(
  ctx: ActionContext,
  { hooks = [], namespace }: Release,
  events: readonly HookEvent[],
): Promise<PlannedHook[]> {
  const found: PlannedHook[] = [];
  for (const hook of hooks) {
    const due = hook.events.filter((event) => events.includes(event));
    if (due.length === 0) continue;
    for (const object of documentObjects(hook.manifest, hook.path))
      found.push({ object: await placed(ctx, object, namespace), events: due });
  }
  return found;
}

/** Returns the namespace that an install creates, if it has to. */
async function newNamespace(
  run: Run,
  ctx: ActionContext,
  action: ReleaseAction,
): Promise<KubeObject[]> {
  const { install, targetNamespace: name } = run.object.spec;
  if (action !== 'install' || !name || !install?.createNamespace) return [];
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { name } } };
  try {
    const found = await findMetadata(ctx, { object, resource: coreResources.namespaces });
    return found === undefined ? [object] : [];
  } catch (error) {
    // Who may not look is refused by the action in good time.
    if (isForbidden(error)) return [];
    throw error;
  }
}

/**
 * Renders the release that an action would make, and puts its objects in their places.
 *
 * @throws RenderError when chart, values or post-renderers are to blame; RetryableError ManifestInvalid; ApiError,
 * ConnectionError
 */
export async function nextRelease(
  run: Run,
  { part, ctx, action }: { part: Part; ctx: ActionContext; action: ReleaseAction },
): Promise<NextRelease> {
  const { release, current } =
    action === 'install'
      ? { release: await renderInstall(run, part, ctx), current: undefined }
      : await renderUpgrade(run, part, ctx);
  const objects = [...(await newNamespace(run, ctx, action))];
  for (const object of objectsOf(release.manifest)) {
    const inPlace = await placed(ctx, object, release.namespace);
    objects.push(withOwnership(inPlace, release, ctx.owner));
  }
  const crds = await wantedChartCrds(run, ctx, action);
  const isHookless = run.object.spec[action]?.disableHooks ?? false;
  return {
    release,
    current,
    objects,
    crds: crds.map((crd) => withOwner(crd, ctx.owner)),
    hooks: isHookless ? [] : await hooksAt(ctx, release, [`pre-${action}`, `post-${action}`]),
  };
}
