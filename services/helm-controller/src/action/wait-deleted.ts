import { errorMessage, formatDuration } from '@sluice/shared/base';
import { displayName, waitUntilGone } from '@sluice/shared/engine';
import { type ActionContext, ActionError } from './context.ts';
import type { DeletedReleaseObject } from './delete-objects.ts';

/**
 * Waits until deleted objects are gone, or others stand in their place.
 *
 * @throws ActionError naming each object that is still there, and why; the signal's reason when aborted
 */
export async function waitUntilDeleted(
  ctx: ActionContext,
  deleted: readonly DeletedReleaseObject[],
  timeoutMs: number,
): Promise<void> {
  const deadline = ctx.clock.now() + timeoutMs;
  const left = new Set(deleted);
  const end = ctx.waits.begin(() =>
    [...left].map(({ object }) => `the deletion of ${displayName(object)}`),
  );
  const problems = await Promise.all(
    deleted.map(async (item) => {
      const problem = await whatRemains(ctx, item, deadline);
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

async function whatRemains(
  { client, live, clock, signal }: ActionContext,
  item: DeletedReleaseObject,
  deadline: number,
): Promise<string | undefined> {
  const name = displayName(item.object);
  try {
    const present = await waitUntilGone(item, { client, live, clock, deadline, signal });
    if (present === undefined) return undefined;
    const { finalizers = [] } = present.metadata;
    return finalizers.length > 0
      ? `${name} (held by its finalizers ${finalizers.join(', ')})`
      : name;
  } catch (error) {
    signal.throwIfAborted();
    return `${name} (${errorMessage(error)})`;
  }
}
