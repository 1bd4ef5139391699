import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient, ObjectKey } from '@sluice/shared/kube';
import { dump } from 'js-yaml';

export interface UntilOptions {
  /** How long to wait, in milliseconds; 60,000 when absent. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 60_000;

/**
 * Waits, by watching, until an object is in a wanted state.
 *
 * @param client how the object is read
 * @param resource its resource
 * @param key its name
 * @param predicate true when the wait is over; when it throws, the wait goes on and the error is shown at a timeout
 * @returns the object that fitted
 * @throws Error with the last object seen when time is up, or what the API server answered when it refuses
 */
// biome-ignore lint/complexity/useMaxParams: the options are seldom given
export async function until<T extends KubeObject>(
  client: KubeClient,
  resource: ApiResource,
  key: ObjectKey,
  predicate: (object: T) => boolean,
  options: UntilOptions = {},
): Promise<T> {
  let predicateError: unknown;
  const fits = (object: T | undefined) => {
    if (!object) return false;
    try {
      predicateError = undefined;
      return predicate(object);
    } catch (error) {
      predicateError = error;
      return false;
    }
  };
  const wait = { client, resource, key, isDone: fits, options };
  const { done, object } = await observe<T>(wait);
  if (done && object) return object;
  throw new Error(timeoutMessage(wait, object, predicateError));
}

/**
 * Waits, by watching, until an object is gone.
 *
 * @throws Error with the last object seen when time is up, or what the API server answered when it refuses
 */
export async function untilGone(
  client: KubeClient,
  resource: ApiResource,
  key: ObjectKey,
  options: UntilOptions = {},
): Promise<void> {
  const isDone = (object: KubeObject | undefined) => object === undefined;
  const wait = { client, resource, key, isDone, options };
  const { done, object } = await observe(wait);
  if (!done) throw new Error(timeoutMessage(wait, object));
}

interface Observation<T> {
  client: KubeClient;
  resource: ApiResource;
  key: ObjectKey;
  /** Asked after every change; undefined means that the object does not exist. */
  isDone: (object: T | undefined) => boolean;
  options: UntilOptions;
}

async function observe<T extends KubeObject>(
  o: Observation<T>,
): Promise<{ done: boolean; object: T | undefined }> {
  const signal = AbortSignal.timeout(o.options.timeoutMs ?? defaultTimeoutMs);
  const selection = {
    ...(o.key.namespace ? { namespace: o.key.namespace } : {}),
    fieldSelector: `metadata.name=${o.key.name}`,
    signal,
  };
  let object: T | undefined;
  while (!signal.aborted) {
    try {
      const listed = await o.client.list<T>(o.resource, selection);
      object = listed.items[0];
      if (o.isDone(object)) return { done: true, object };
      const { resourceVersion } = listed;
      for await (const event of o.client.watch<T>(o.resource, { ...selection, resourceVersion })) {
        if (event.type === 'BOOKMARK') continue;
        object = event.type === 'DELETED' ? undefined : event.object;
        if (o.isDone(object)) return { done: true, object };
      }
    } catch (error) {
      if (signal.aborted) break;
      if (!canRetry(error)) throw error;
      // The server may be restarting, as some tests have it.
      await delay(100);
    }
  }
  return { done: false, object };
}

/** Lost connections, expired watches and overload pass; any other answer of the API server stays what it is. */
function canRetry(error: unknown): boolean {
  const status = (error as { status?: unknown }).status;
  return typeof status !== 'number' || status === 410 || status === 429 || status >= 500;
}

function timeoutMessage(
  { resource, key, options }: Pick<Observation<KubeObject>, 'resource' | 'key' | 'options'>,
  object: KubeObject | undefined,
  predicateError?: unknown,
): string {
  const name = `${resource.kind} ${key.namespace ? `${key.namespace}/` : ''}${key.name}`;
  const lines = [`${name}: not as wanted within ${options.timeoutMs ?? defaultTimeoutMs} ms`];
  if (predicateError) lines.push(`the predicate threw: ${predicateError}`);
  if (!object) return [...lines, 'the object does not exist'].join('\n');
  const { managedFields: _, ...metadata } = object.metadata;
  return [...lines, 'last seen:', dump({ ...object, metadata })].join('\n');
}
