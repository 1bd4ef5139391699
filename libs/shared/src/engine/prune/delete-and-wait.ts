import type { ApiResource, KubeClient, ObjectKey } from '@sluice/shared/kube';
import { isNotFound, watchObject } from '@sluice/shared/kube';

/**
 * Deletes an object and waits until it is gone; one that takes its place meanwhile is left alone.
 *
 * @param o.timeoutMs milliseconds that it may take to go
 * @returns whether there was one
 * @throws what {@link watchObject} throws, and ApiError when the server refuses
 */
export async function deleteAndWait(
  client: KubeClient,
  resource: ApiResource,
  key: ObjectKey,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<boolean> {
  let uid: string | undefined;
  try {
    const present = await client.get(resource, key, { metadataOnly: true, signal });
    uid = present.metadata.uid;
    await client.delete(resource, key, { uid, propagation: 'Background', signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (uid === undefined) return false;
  }
  await watchObject({
    client,
    resource,
    key,
    until: (object) => object?.metadata.uid !== uid,
    timeoutMs,
    signal,
    what: 'it to be deleted',
  });
  return true;
}
