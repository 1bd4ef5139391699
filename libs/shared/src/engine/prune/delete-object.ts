import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, DeleteOptions, KubeClient } from '@sluice/shared/kube';
import { isConflict, isNotFound } from '@sluice/shared/kube';
import {
  type DeletableObject,
  type DeletionGuard,
  firstRefusal,
  type Refusal,
} from './guards/deletion-guard.ts';

/** What becomes of dependants. */
export type Propagation = NonNullable<DeleteOptions['propagation']>;

/** What to delete, and whether. */
export interface DeleteRequest {
  client: KubeClient;
  resource: ApiResource;
  item: DeletableObject;
  guards: readonly DeletionGuard[];
  propagation: Propagation;
  /** The object as a watch has it, which spares the first look. */
  known?: KubeObject | undefined;
  /** Only finds out what would become of it. */
  dryRun?: boolean | undefined;
  /** Is called, and waited for, before the deletion is requested. Must not throw. */
  beforeDelete?: (() => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
}

/** What has become of an object that was to be deleted. */
export type Deletion =
  | { type: 'gone' }
  | ({ type: 'kept' } & Refusal)
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
export async function deleteObject(o: DeleteRequest): Promise<Deletion> {
  const { client, resource, item, guards, propagation, dryRun = false, signal } = o;
  const key = item.object.metadata;
  let live = o.known;
  for (let attempt = 1; ; attempt++) {
    try {
      live ??= await client.get<KubeObject>(resource, key, { metadataOnly: true, signal });
      const seen = live;
      const refusal = firstRefusal(guards, (guard) => guard.onSight?.(seen, item));
      if (refusal !== undefined) return { type: 'kept', ...refusal };
      const { uid = '', resourceVersion, deletionTimestamp } = live.metadata;
      if (deletionTimestamp) return { type: 'deleted', uid, stays: true };
      if (!dryRun) await o.beforeDelete?.();
      const options = { uid, resourceVersion, propagation, dryRun, signal };
      return { type: 'deleted', uid, stays: !(await client.delete(resource, key, options)) };
    } catch (error) {
      if (isNotFound(error)) return { type: 'gone' };
      if (!isConflict(error) || attempt >= maxAttempts) throw error;
      live = undefined;
    }
  }
}
