import type { KubeObject } from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { ConnectionError, isGone, isNotFound, isTransient } from './api-error.ts';
import type { ApiResource, ObjectKey } from './resource.ts';
import type { KubeClient } from './types.ts';

export interface WatchObjectOptions {
  client: KubeClient;
  resource: ApiResource;
  key: ObjectKey;
  /** Called with each state seen, undefined while the object does not exist; returns whether it suffices. */
  until: (object: KubeObject | undefined) => boolean;
  /** Milliseconds for the whole wait. */
  timeoutMs: number;
  /** What is waited for, in words; part of the message when the time runs out. */
  what: string;
  signal?: AbortSignal;
}

/** Milliseconds after which the server ends a watch, so that a silent connection is not trusted for ever. */
const watchSpanMs = 30_000;
/** Milliseconds between the end of a broken watch and the next list. */
const pauseMs = 250;

/**
 * Follows one object by a watch until a condition holds: lists, watches from there, and lists again when the watch
 * ends.
 *
 * @throws ConnectionError `TIMEOUT` when the time runs out, the signal's reason when aborted, else what the API server
 * refused with
 */
export async function watchObject(o: WatchObjectOptions): Promise<void> {
  const timeout = AbortSignal.timeout(o.timeoutMs);
  const signal = o.signal ? AbortSignal.any([o.signal, timeout]) : timeout;
  try {
    while (!(await watchOnce(o, signal))) await systemClock.sleep(pauseMs, signal);
  } catch (error) {
    o.signal?.throwIfAborted();
    if (!timeout.aborted) throw error;
    throw new ConnectionError({
      code: 'TIMEOUT',
      verb: 'WATCH',
      path: `${o.resource.plural}/${o.key.name}`,
      message: `timed out after ${o.timeoutMs} ms waiting for ${o.what}`,
    });
  }
}

/** Returns whether the condition came true before the watch ended. */
async function watchOnce(o: WatchObjectOptions, signal: AbortSignal): Promise<boolean> {
  const scope = {
    namespace: o.resource.namespaced ? o.key.namespace : undefined,
    fieldSelector: `metadata.name=${o.key.name}`,
    signal,
  };
  try {
    const listed = await o.client.list<KubeObject>(o.resource, scope);
    if (o.until(listed.items[0])) return true;
    const { resourceVersion } = listed;
    const watch = { ...scope, resourceVersion, serverTimeoutMs: watchSpanMs };
    for await (const event of o.client.watch<KubeObject>(o.resource, watch)) {
      if (event.type === 'BOOKMARK') continue;
      if (o.until(event.type === 'DELETED' ? undefined : event.object)) return true;
    }
  } catch (error) {
    // Listing again is the cure for all of these; the time limit bounds the number of rounds.
    if (!isGone(error) && !isNotFound(error) && !isTransient(error)) throw error;
  }
  return false;
}
