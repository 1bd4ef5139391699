import type { KubeObject } from '@sluice/shared/api';
import {
  type ApplyOptions,
  type ApplyResult,
  applyObjects,
  formatObjectId,
  mayHaveHappened,
  objectIdOf,
} from '@sluice/shared/engine';
import type { ActionContext } from './context.ts';

/** Returns how an action applies whatever it applies. */
export function applyOptionsOf(ctx: ActionContext): ApplyOptions {
  const { client, identity, concurrency, signal, live } = ctx;
  return { client, identity, concurrency, signal, live };
}

/** Applies objects that are no part of the manifest, and counts as held what was applied. */
export async function applyClaimed(
  ctx: ActionContext,
  objects: readonly KubeObject[],
): Promise<ApplyResult> {
  const claims = new Map(
    objects.map((object) => {
      const id = objectIdOf(object);
      return [formatObjectId(id), ctx.held.claim(id)];
    }),
  );
  const result = await applyObjects([...objects], applyOptionsOf(ctx));
  const passedOver = result.changes.filter(({ action }) => action === 'skipped');
  const refused = result.failures.filter(({ error }) => !mayHaveHappened(error));
  for (const { id } of [...passedOver, ...refused]) claims.get(formatObjectId(id))?.();
  return result;
}
