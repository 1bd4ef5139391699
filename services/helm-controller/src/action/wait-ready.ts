import type { KubeObject } from '@sluice/shared/api';
import { Alarm, errorMessage, formatDuration, mapConcurrently } from '@sluice/shared/base';
import {
  displayName,
  formatObjectId,
  type Health,
  HealthReads,
  isNews,
  judgeMissing,
  judgePresent,
  type LiveChange,
  leastReadMs,
  type ObjectId,
  objectIdOf,
  unreadHealth,
} from '@sluice/shared/engine';
import { type ApiResource, isNotFound } from '@sluice/shared/kube';
import { type ActionContext, ActionError } from './context.ts';
import { shownList } from './waits.ts';

/** Most objects that a message names. */
const maxNamed = 50;

/** An object that was applied, and what it has to become. */
export interface Awaited {
  /** As the server returned it. */
  object: KubeObject;
  resource: ApiResource;
  /** Judges a state of it. */
  judge(object: KubeObject): Health;
  /** Whether that takes values that a watch shows as digests only, so that the object has to be read. */
  lacksValues(object: KubeObject): boolean;
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
  /** The newest version that a watch has shown without its values. */
  shown: string | undefined;
}

/**
 * Waits until all objects are ready at the same time. Driven by the shared watches; only objects that those may
 * not tell of are read now and then, as the tenant, and those whose values they do not keep after each change, but not more
 * often. Ends early when one has failed, for which waiting longer is no help.
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
  const reads = new HealthReads();
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
      await readUnseen(ctx, followed, reads);
      const pending = pendingOf();
      if (pending.length === 0) return;
      const now = ctx.clock.now();
      const failed = pending.filter(({ health }) => health.status === 'Failed');
      if (failed.length > 0) throw notReady(ctx, 'failed early due to stalled resources', failed);
      if (now >= deadline)
        throw notReady(ctx, `timeout after ${formatDuration(timeoutMs)} waiting for`, pending);
      const looks = pending.flatMap((item) => lookAgainAt(ctx, item, reads) ?? []);
      await alarm.wait(ctx, Math.min(deadline, ...looks));
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
  // What a watch has shown without its values is not judged yet.
  const isCut = item.lacksValues(item.object);
  const health = isCut ? unreadHealth : item.judge(item.object);
  const shown = isCut ? resourceVersion : undefined;
  return [formatObjectId(id), { ...item, id, resourceVersion, health, shown }];
}

function isWatched({ live }: ActionContext, { resource, id }: Followed): boolean {
  return live.covers(resource, id);
}

function isUnread({ id, shown }: Followed, reads: HealthReads): boolean {
  return shown !== undefined && reads.isOutdated(formatObjectId(id), shown);
}

/** Returns when an object has to be looked at by the clock; undefined when the watches are enough. */
function lookAgainAt(ctx: ActionContext, item: Followed, reads: HealthReads): number | undefined {
  if (!isWatched(ctx, item)) return ctx.clock.now() + leastReadMs;
  return isUnread(item, reads) ? reads.dueAt(formatObjectId(item.id)) : undefined;
}

function noteChange(item: Followed, { type, object }: LiveChange): void {
  if (type !== 'deleted') noteShown(item, object);
  else if (object.metadata.uid === item.object.metadata.uid) {
    item.health = healthOfMissing(item);
    item.shown = undefined;
  }
}

function noteShown(item: Followed, object: KubeObject): void {
  const { resourceVersion } = object.metadata;
  if (!item.lacksValues(object)) noteState(item, object);
  else if (isNews(resourceVersion, item)) item.shown = resourceVersion;
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
  if (live !== undefined) noteShown(item, live);
}

/** Reads what no watch covers, and what has changed where a watch does not show its values. */
async function readUnseen(
  ctx: ActionContext,
  followed: Map<string, Followed>,
  reads: HealthReads,
): Promise<void> {
  const now = ctx.clock.now();
  const unseen = [...followed].filter(([id, item]) =>
    isWatched(ctx, item)
      ? isUnread(item, reads) && now >= reads.dueAt(id)
      : item.health.status !== 'Current',
  );
  await mapConcurrently(unseen, ctx.concurrency, async ([id, item]) => {
    const resourceVersion = await readState(ctx, item);
    const { health } = item;
    reads.note(id, { resourceVersion, health, at: now });
  });
}

/** Returns the version that was read and judged; undefined when none was. */
async function readState(ctx: ActionContext, item: Followed): Promise<string | undefined> {
  const { client, signal } = ctx;
  try {
    const object = await client.get<KubeObject>(item.resource, item.id, { signal });
    noteState(item, object);
    return item.health.isTentative ? undefined : object.metadata.resourceVersion;
  } catch (error) {
    signal.throwIfAborted();
    if (isNotFound(error)) item.health = healthOfMissing(item);
    else item.health = { status: 'Unknown', message: errorMessage(error) };
    return undefined;
  }
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
