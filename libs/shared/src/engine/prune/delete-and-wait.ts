import type { KubeObject } from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { type ApiResource, ConnectionError, type KubeClient } from '@sluice/shared/kube';
import { deleteObject } from './delete-object.ts';
import { firstSeenGuard } from './guards/first-seen.ts';
import { waitUntilGone } from './wait-until-gone.ts';

/**
 * Deletes an object and waits until it is gone; one that takes its place meanwhile is left alone.
 *
 * @param object its kind and name are enough
 * @param o.timeoutMs milliseconds that it may take to go
 * @returns whether there was one
 * @throws ConnectionError `TIMEOUT` when the time runs out, ApiError when the server refuses, the signal's reason when
 * aborted
 */
export async function deleteAndWait(
  client: KubeClient,
  resource: ApiResource,
  object: KubeObject,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<boolean> {
  const deletion = await deleteObject({
    client,
    resource,
    item: { object },
    guards: [firstSeenGuard()],
    propagation: 'Background',
    signal,
  });
  if (deletion.type !== 'deleted') return deletion.type === 'kept';
  const left = await waitUntilGone(
    { object, resource, uid: deletion.uid },
    { client, clock: systemClock, deadline: systemClock.now() + timeoutMs, signal },
  );
  if (left === undefined) return true;
  throw new ConnectionError({
    code: 'TIMEOUT',
    verb: 'WATCH',
    path: `${resource.plural}/${object.metadata.name}`,
    message: `timed out after ${timeoutMs} ms waiting for it to be deleted`,
  });
}
