import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { displayName } from '@sluice/shared/engine';
import { coreResources, gvkOf } from '@sluice/shared/kube';
import { applyClaimed } from './apply-claimed.ts';
import { type ActionContext, ActionError } from './context.ts';
import { withOwner } from './objects.ts';
import { findMetadata } from './ownership.ts';

/** What happens to the CRDs of a chart: nothing, those that are missing are created, or all are applied. */
export type CrdPolicy = 'Skip' | 'Create' | 'CreateReplace';

const crdResource = coreResources.customResourceDefinitions;

/**
 * Applies the CRDs of a chart as the policy says, and returns when their kinds are served. They are no part of the
 * release: no revision deletes them. Objects of other kinds in the chart's `crds` folder are left out.
 *
 * They come once the templates are rendered, so that a chart that cannot be rendered leaves nothing behind.
 *
 * @returns whether any has changed
 * @throws ActionError naming each CRD that was refused or did not become established
 */
export async function applyCrds(
  ctx: ActionContext,
  objects: readonly KubeObject[],
  policy: CrdPolicy,
): Promise<boolean> {
  if (policy === 'Skip' || objects.length === 0) return false;
  const crds = objects.filter(isCrd);
  const others = objects.filter((object) => !isCrd(object)).map(displayName);
  if (others.length > 0) {
    const message = 'Objects in the crds folder of the chart that are no CRDs were ignored';
    ctx.logger.warn({ objects: others }, message);
  }
  const { changes, failures } = await ctx.slots.run(async () => {
    const wanted = await chosen(ctx, crds, policy);
    return applyClaimed(
      ctx,
      wanted.map((crd) => withOwner(crd, ctx.owner)),
    );
  });
  if (failures.length === 0) return changes.some(({ action }) => action !== 'unchanged');
  const problems = failures.map(({ error }) => error.message).join('\n');
  throw new ActionError(`failed to apply CustomResourceDefinitions: ${problems}`);
}

/** Returns those CRDs of a chart that {@link applyCrds} would apply now. */
export async function wantedCrds(
  ctx: ActionContext,
  objects: readonly KubeObject[],
  policy: CrdPolicy,
): Promise<KubeObject[]> {
  if (policy === 'Skip' || objects.length === 0) return [];
  return ctx.slots.run(() => chosen(ctx, objects.filter(isCrd), policy));
}

async function chosen(ctx: ActionContext, crds: KubeObject[], policy: CrdPolicy) {
  return policy === 'Create' ? missing(ctx, crds) : crds;
}

function isCrd(object: KubeObject): boolean {
  const { group, kind } = gvkOf(object);
  return group === crdResource.group && kind === crdResource.kind;
}

async function missing(ctx: ActionContext, crds: KubeObject[]): Promise<KubeObject[]> {
  const present = await mapConcurrently(crds, ctx.concurrency, (object) =>
    findMetadata(ctx, { object, resource: crdResource }),
  );
  return crds.filter((_, index) => present[index] === undefined);
}
