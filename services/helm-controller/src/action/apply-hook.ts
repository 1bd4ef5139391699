import { helmGroup } from '@sluice/shared/api';
import { applyObjects, objectError } from '@sluice/shared/kube';
import type { Release } from '../release/release.ts';
import { applyError } from './apply-release.ts';
import type { ActionContext } from './context.ts';
import { idOf, type ReleaseObject, withOwner } from './objects.ts';

/**
 * Creates the objects of a hook; on the client side they must not exist. They carry the labels by which they are
 * watched, but nothing that would make them part of the release.
 *
 * @returns the objects as the server returned them
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
  const { client, fieldManager, concurrency, signal, cluster } = ctx;
  const { changes, failures } = await applyObjects(
    objects.map(({ object }) => object),
    { client, fieldManager, concurrency, signal, annotationPrefix: helmGroup, live: cluster.live },
  );
  if (failures.length > 0) throw applyError(failures.map(({ error }) => error));
  const resources = new Map(objects.map((item) => [idOf(item), item.resource]));
  return changes.flatMap(({ object }) => {
    const resource = resources.get(idOf({ object }));
    return resource === undefined ? [] : [{ object, resource }];
  });
}

async function create(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
): Promise<ReleaseObject[]> {
  const { client, cluster, fieldManager, signal } = ctx;
  const created: ReleaseObject[] = [];
  for (const { object, resource } of objects) {
    try {
      // A kind that may not be watched is read now and then instead.
      await cluster.live.ensure(resource).catch(() => undefined);
      const answer = await client.create(resource, object, { fieldManager, signal });
      created.push({ object: answer, resource });
    } catch (error) {
      signal.throwIfAborted();
      throw objectError(object, 'create', error);
    }
  }
  return created;
}
