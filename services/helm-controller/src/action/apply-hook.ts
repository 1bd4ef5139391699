import { objectError, objectIdOf } from '@sluice/shared/engine';
import type { Release } from '../release/release.ts';
import { applyClaimed } from './apply-claimed.ts';
import { applyError } from './apply-release.ts';
import type { ActionContext } from './context.ts';
import { idOf, type ReleaseObject, withOwner } from './objects.ts';

/**
 * Creates the objects of a hook; on the client side they must not exist. They carry the labels by which they are
 * watched, but nothing that would make them part of the release.
 *
 * @returns the objects as the server returned them, but for those that are excluded from being applied
 * @throws ActionError naming each object that was refused
 */
export async function applyHook(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
  method: Release['apply_method'],
): Promise<ReleaseObject[]> {
  const owned = objects.map(({ object, resource }) => ({
    object: withOwner(object, ctx.owner),
    resource,
  }));
  return ctx.slots.run(() => (method === 'ssa' ? applyServerSide(ctx, owned) : create(ctx, owned)));
}

async function applyServerSide(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
): Promise<ReleaseObject[]> {
  const { changes, failures } = await applyClaimed(
    ctx,
    objects.map(({ object }) => object),
  );
  if (failures.length > 0) throw applyError(failures.map(({ error }) => error));
  const resources = new Map(objects.map((item) => [idOf(item), item.resource]));
  return changes.flatMap(({ object, action }) => {
    // What was passed over may be anybody's, and is neither waited for nor judged.
    if (action === 'skipped') return [];
    const resource = resources.get(idOf({ object }));
    return resource === undefined ? [] : [{ object, resource }];
  });
}

async function create(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
): Promise<ReleaseObject[]> {
  const { client, live, signal } = ctx;
  const { fieldManager } = ctx.identity;
  const created: ReleaseObject[] = [];
  for (const { object, resource } of objects) {
    try {
      // A kind that may not be watched is read now and then instead.
      await live.ensure(resource, object.metadata.namespace).catch(() => undefined);
      const answer = await client.create(resource, object, { fieldManager, signal });
      ctx.held.claim(objectIdOf(answer));
      created.push({ object: answer, resource });
    } catch (error) {
      signal.throwIfAborted();
      throw objectError(object, 'create', error);
    }
  }
  return created;
}
