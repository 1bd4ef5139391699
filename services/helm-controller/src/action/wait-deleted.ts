import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, formatDuration } from '@sluice/shared/base';
import { displayName } from '@sluice/shared/engine';
import { ConnectionError, isForbidden, watchObject } from '@sluice/shared/kube';
import { type ActionContext, ActionError } from './context.ts';
import type { DeletedObject } from './delete-objects.ts';
import { findMetadata } from './ownership.ts';
import { Alarm } from './pause.ts';
import { pollMs } from './wait-ready.ts';

/**
 * Waits until deleted objects are gone, or others stand in their place. Driven by the shared watches; an object that
 * they do not know gets a watch of its own, or is read now and then when the tenant may not watch it.
 *
 * @throws ActionError naming each object that is still there, and why; the signal's reason when aborted
 */
export async function waitUntilDeleted(
  ctx: ActionContext,
  deleted: readonly DeletedObject[],
  timeoutMs: number,
): Promise<void> {
  const deadline = ctx.clock.now() + timeoutMs;
  const left = new Set(deleted);
  const end = ctx.waits.begin(() =>
    [...left].map(({ object }) => `the deletion of ${displayName(object)}`),
  );
  const problems = await Promise.all(
    deleted.map(async (item) => {
      const problem = await (item.watched ? waitInWatch : waitAlone)(ctx, item, deadline);
      left.delete(item);
      return problem;
    }),
  ).finally(end);
  ctx.signal.throwIfAborted();
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length === 0) return;
  const limit = formatDuration(timeoutMs);
  throw new ActionError(
    `timeout after ${limit} waiting for the deletion of: [${found.join(', ')}]`,
  );
}

/** Returns what is left of the object when the time is over. */
async function waitInWatch(
  ctx: ActionContext,
  item: DeletedObject,
  deadline: number,
): Promise<string | undefined> {
  const { live } = ctx;
  const { resource, object, uid } = item;
  const alarm = new Alarm();
  const stop = live.onChange((change) => {
    if (change.object.metadata.uid === uid) alarm.ring();
  });
  try {
    for (;;) {
      // Its watch may have ended, or it names somebody else now, which says nothing about whether it is gone.
      if (!live.covers(resource, object.metadata)) return waitAlone(ctx, item, deadline);
      const present = live.get(resource, object.metadata);
      if (present?.metadata.uid !== uid) return undefined;
      if (ctx.clock.now() >= deadline) return remains(item, present);
      await alarm.wait(ctx, deadline);
    }
  } finally {
    stop();
  }
}

async function waitAlone(
  ctx: ActionContext,
  item: DeletedObject,
  deadline: number,
): Promise<string | undefined> {
  const { client, clock, signal } = ctx;
  const { resource, object, uid } = item;
  let last: KubeObject | undefined = await findMetadata(ctx, item);
  if (last?.metadata.uid !== uid) return undefined;
  const until = (seen: KubeObject | undefined) => {
    last = seen;
    return seen?.metadata.uid !== uid;
  };
  const timeoutMs = Math.max(1, deadline - clock.now());
  const key = object.metadata;
  try {
    await watchObject({ client, resource, key, until, timeoutMs, signal, what: 'its deletion' });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isForbidden(error)) return pollAlone(ctx, item, deadline);
    if (error instanceof ConnectionError && error.code === 'TIMEOUT') return remains(item, last);
    return `${displayName(object)} (${errorMessage(error)})`;
  }
}

async function pollAlone(
  ctx: ActionContext,
  item: DeletedObject,
  deadline: number,
): Promise<string | undefined> {
  for (;;) {
    const present = await findMetadata(ctx, item);
    if (present?.metadata.uid !== item.uid) return undefined;
    if (ctx.clock.now() >= deadline) return remains(item, present);
    await ctx.clock.sleep(Math.min(pollMs, deadline - ctx.clock.now()), ctx.signal);
  }
}

function remains({ object }: DeletedObject, present: KubeObject | undefined): string {
  const finalizers = present?.metadata.finalizers ?? [];
  const why = finalizers.length > 0 ? ` (held by its finalizers ${finalizers.join(', ')})` : '';
  return `${displayName(object)}${why}`;
}
