import type { KubeObject } from '@sluice/shared/api';
import { Alarm, type Clock } from '@sluice/shared/base';
import {
  type ApiResource,
  ConnectionError,
  isForbidden,
  isNotFound,
  type KubeClient,
  watchObject,
} from '@sluice/shared/kube';
import type { OwnedObjects } from '../owner/owned-objects.ts';

/** An object whose deletion was requested. */
export interface LeavingObject {
  object: KubeObject;
  resource: ApiResource;
  uid: string | undefined;
  /** Whether the shared watches know it, and so will tell when it is gone. */
  watched?: boolean;
}

/** How to wait. */
export interface GoneOptions {
  client: KubeClient;
  /** The shared watches, if there are any that may tell. */
  live?: OwnedObjects;
  clock: Clock;
  /** When to give up, in milliseconds since the epoch. */
  deadline: number;
  signal?: AbortSignal | undefined;
}

/** Milliseconds between two looks at an object that may not be watched. */
const pollMs = 2000;

/**
 * Waits until a deleted object is gone, or another one stands in its place. Driven by the shared watches; an object that
 * they do not know gets a watch of its own, or is read now and then by an account that may not watch it.
 *
 * @returns what is left when the time is over; undefined when nothing is
 * @throws ApiError, ConnectionError when the server cannot be asked; the signal's reason when aborted
 */
export async function waitUntilGone(
  item: LeavingObject,
  o: GoneOptions,
): Promise<KubeObject | undefined> {
  const { live } = o;
  return item.watched && live !== undefined ? waitInWatches(item, live, o) : waitAlone(item, o);
}

async function waitInWatches(
  item: LeavingObject,
  live: OwnedObjects,
  o: GoneOptions,
): Promise<KubeObject | undefined> {
  const { resource, object, uid } = item;
  const alarm = new Alarm();
  const stop = live.onChange((change) => {
    if (change.object.metadata.uid === uid) alarm.ring();
  });
  const stopLost = live.onLost(() => alarm.ring());
  try {
    for (;;) {
      // Its watch may have ended, or it names somebody else now, which says nothing about whether it is gone.
      if (!live.covers(resource, object.metadata)) return waitAlone(item, o);
      const present = live.get(resource, object.metadata);
      if (present?.metadata.uid !== uid) return undefined;
      if (o.clock.now() >= o.deadline) return present;
      await alarm.wait(o, o.deadline);
    }
  } finally {
    stop();
    stopLost();
  }
}

async function waitAlone(item: LeavingObject, o: GoneOptions): Promise<KubeObject | undefined> {
  const { client, clock, signal } = o;
  let last = await find(item, o);
  if (last === undefined) return undefined;
  const until = (seen: KubeObject | undefined) => {
    last = seen?.metadata.uid === item.uid ? seen : undefined;
    return last === undefined;
  };
  const timeoutMs = Math.max(1, o.deadline - clock.now());
  const { resource, object } = item;
  const key = object.metadata;
  try {
    await watchObject({ client, resource, key, until, timeoutMs, signal, what: 'its deletion' });
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (isForbidden(error)) return poll(item, o);
    if (error instanceof ConnectionError && error.code === 'TIMEOUT') return last;
    throw error;
  }
}

async function poll(item: LeavingObject, o: GoneOptions): Promise<KubeObject | undefined> {
  for (;;) {
    const present = await find(item, o);
    if (present === undefined || o.clock.now() >= o.deadline) return present;
    await o.clock.sleep(Math.min(pollMs, o.deadline - o.clock.now()), o.signal);
  }
}

/** Reads the object; undefined when it is gone, or another one has its name. */
async function find(
  { object, resource, uid }: LeavingObject,
  { client, signal }: GoneOptions,
): Promise<KubeObject | undefined> {
  try {
    const options = { metadataOnly: true, signal };
    const found = await client.get<KubeObject>(resource, object.metadata, options);
    return found.metadata.uid === uid ? found : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
