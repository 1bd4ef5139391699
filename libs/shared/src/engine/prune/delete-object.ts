import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, DeleteOptions, KubeClient, ObjectKey } from '@sluice/shared/kube';
import { isConflict, isNotFound } from '@sluice/shared/kube';

/** Why an object is to stay, from a look at it; undefined when it may go. */
export type DeletionGuard<Why> = (live: KubeObject) => Why | undefined;

/** What to delete, and whether. */
export interface DeleteRequest<Why> {
  client: KubeClient;
  resource: ApiResource;
  key: ObjectKey;
  guard: DeletionGuard<Why>;
  /** What becomes of dependants. */
  propagation: NonNullable<DeleteOptions['propagation']>;
  /** The object as a watch has it, which spares the first look. */
  known?: KubeObject | undefined;
  signal?: AbortSignal | undefined;
}

/** What has become of an object that was to be deleted. */
export type Deletion<Why> =
  | { type: 'gone' }
  | { type: 'kept'; why: Why }
  /** Its deletion was requested, now or before; `stays` while finalizers or a grace period hold it. */
  | { type: 'deleted'; uid: string; stays: boolean };

/** Looks at an object that others keep changing meanwhile. */
const maxAttempts = 10;

/**
 * Deletes an object exactly as it was looked at: when somebody changes it, or another one takes its name, between the
 * look and the deletion, it is looked at and judged anew. Deletion is requested, not awaited. Every deletion of what
 * was applied goes through here.
 *
 * @throws ApiError when the server refuses, or the object changed with each attempt; the signal's reason when aborted
 */
export async function deleteObject<Why>(o: DeleteRequest<Why>): Promise<Deletion<Why>> {
  const { client, resource, key, propagation, signal } = o;
  let live = o.known;
  for (let attempt = 1; ; attempt++) {
    try {
      live ??= await client.get<KubeObject>(resource, key, { metadataOnly: true, signal });
      const why = o.guard(live);
      if (why !== undefined) return { type: 'kept', why };
      const { uid = '', resourceVersion, deletionTimestamp } = live.metadata;
      if (deletionTimestamp) return { type: 'deleted', uid, stays: true };
      const options = { uid, resourceVersion, propagation, signal };
      return { type: 'deleted', uid, stays: !(await client.delete(resource, key, options)) };
    } catch (error) {
      if (isNotFound(error)) return { type: 'gone' };
      if (!isConflict(error) || attempt >= maxAttempts) throw error;
      live = undefined;
    }
  }
}
