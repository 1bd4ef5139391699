import type { KubeObject } from '@sluice/shared/api';
import { Alarm, errorMessage, formatDuration, mapConcurrently } from '@sluice/shared/base';
import {
  displayName,
  formatObjectId,
  type Health,
  judgeMissing,
  judgePresent,
  type LiveChange,
  type ObjectId,
  objectIdOf,
} from '@sluice/shared/engine';
import { type ApiResource, isNotFound } from '@sluice/shared/kube';
import { type ActionContext, ActionError } from './context.ts';
import { shownList } from './waits.ts';

/** Milliseconds between two looks at objects that the shared watches do not cover. */
const pollMs = 2000;

/** Most objects that a message names. */
const maxNamed = 50;

/** An object that was applied, and what it has to become. */
export interface Awaited {
  /** As the server returned it. */
  object: KubeObject;
  resource: ApiResource;
  /** Judges a state of it. */
  judge(object: KubeObject): Health;
  /** Whether it may go away by itself once it is done. */
  vanishes: boolean;
}

/** Objects did not become ready. */
export class NotReadyError extends ActionError {
  override name = 'NotReadyError';
  /** What was not ready, as it was applied. */
  readonly objects: readonly KubeObject[];

  constructor(message: string, objects: readonly KubeObject[]) {
    super(message);
    this.objects = objects;
  }
}

interface Followed extends Awaited {
  id: ObjectId;
  resourceVersion: string | undefined;
  health: Health;
}

/**
 * Waits until all objects are ready at the same time. Driven by the shared watches; only objects that those may
 * not tell of are read now and then, as the tenant. Ends early when one has failed, for which waiting longer is no help.
 *
 * @throws NotReadyError naming each object that is not ready, and why; the signal's reason when aborted
 */
export async function waitUntilReady(
  ctx: ActionContext,
  objects: readonly Awaited[],
  timeoutMs: number,
): Promise<void> {
  const startedAt = ctx.clock.now();
  const deadline = startedAt + timeoutMs;
  const alarm = new Alarm();
  const followed = new Map(objects.map((item) => entryOf(item)));
  const stop = ctx.live.onChange((change) => {
    const item = followed.get(formatObjectId(objectIdOf(change.object)));
    if (item === undefined) return;
    noteChange(item, change);
    alarm.ring();
  });
  const stopLost = ctx.live.onLost(() => alarm.ring());
  const pendingOf = () =>
    [...followed.values()].filter(({ health }) => health.status !== 'Current');
  const end = ctx.waits.begin(() => pendingOf().map((item) => ctx.masker.mask(nameOf(item))));
  try {
    for (const item of followed.values()) noteLive(ctx, item);
    for (;;) {
      await poll(ctx, followed);
      const pending = pendingOf();
      if (pending.length === 0) return;
      const now = ctx.clock.now();
      const failed = pending.filter(({ health }) => health.status === 'Failed');
      if (failed.length > 0) throw notReady(ctx, 'failed early due to stalled resources', failed);
      if (now >= deadline)
        throw notReady(ctx, `timeout after ${formatDuration(timeoutMs)} waiting for`, pending);
      const next = pending.some((item) => !isWatched(ctx, item)) ? now + pollMs : deadline;
      await alarm.wait(ctx, Math.min(deadline, next));
    }
  } finally {
    end();
    stop();
    stopLost();
  }
}

function entryOf(item: Awaited): [string, Followed] {
  const id = objectIdOf(item.object);
  const { resourceVersion } = item.object.metadata;
  return [formatObjectId(id), { ...item, id, resourceVersion, health: item.judge(item.object) }];
}

function isWatched({ live }: ActionContext, { resource, id }: Followed): boolean {
  return live.covers(resource, id);
}

function noteChange(item: Followed, { type, object }: LiveChange): void {
  if (type !== 'deleted') noteState(item, object);
  else if (object.metadata.uid === item.object.metadata.uid) item.health = healthOfMissing(item);
}

function noteState(item: Followed, object: KubeObject): void {
  item.health = judgePresent(item, object, item.judge);
}

function healthOfMissing(item: Followed): Health {
  return item.health.status === 'Failed' ? item.health : judgeMissing(item, 'it was deleted');
}

/** An object that the watch does not know yet is as the apply left it. */
function noteLive({ live: watches }: ActionContext, item: Followed): void {
  const live = watches.get(item.resource, item.id);
  if (live !== undefined) noteState(item, live);
}

async function poll(ctx: ActionContext, followed: Map<string, Followed>): Promise<void> {
  const unwatched = [...followed.values()].filter(
    (item) => item.health.status !== 'Current' && !isWatched(ctx, item),
  );
  await mapConcurrently(unwatched, ctx.concurrency, async (item) => {
    const { client, signal } = ctx;
    try {
      noteState(item, await client.get<KubeObject>(item.resource, item.id, { signal }));
    } catch (error) {
      signal.throwIfAborted();
      if (isNotFound(error)) item.health = healthOfMissing(item);
      else item.health = { status: 'Unknown', message: errorMessage(error) };
    }
  });
}

function notReady(ctx: ActionContext, what: string, items: Followed[]): NotReadyError {
  const [first] = items;
  if (first !== undefined) ctx.onFailed?.(nameOf(first));
  const objects = items.map(({ object }) => object);
  return new NotReadyError(`${what}: ${shownList(items.map(nameOf), maxNamed)}`, objects);
}

function nameOf({ id, health }: Followed): string {
  const why = health.message === '' ? '' : ` (${health.message})`;
  return `${displayName(id)} status: '${health.status}'${why}`;
}
