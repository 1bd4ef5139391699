import { mapConcurrently } from '@sluice/shared/base';
import { type ApiResource, gvkOf, type KubeClient } from '@sluice/shared/kube';
import { objectError } from '../apply/apply-error.ts';
import type { OwnedObjects } from '../owner/owned-objects.ts';
import { deleteObject, type Propagation } from './delete-object.ts';
import {
  type DeletableObject,
  type DeletionGuard,
  firstRefusal,
  type Refusal,
} from './guards/deletion-guard.ts';
import { resourceOfAnyVersion } from './resource-of-any-version.ts';

/** How to delete objects. */
export interface DeletionOptions<T extends DeletableObject> {
  client: KubeClient;
  /** Asked one after another; the first that refuses is the one that the result names. */
  guards: readonly DeletionGuard[];
  /** Splits what no guard keeps beforehand into parts that are deleted one after another. */
  stagesOf(items: T[]): T[][];
  propagation: Propagation;
  /** Requests under way at a time. */
  concurrency: number;
  /** Watches that may know the objects, which spares a look at each. */
  live?: OwnedObjects;
  /** Is called, and waited for, before each deletion is requested. Must not throw. */
  beforeDelete?: (() => Promise<void>) | undefined;
  /** Only finds out what would be deleted. */
  dryRun?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** An object whose deletion was requested, now or before. */
export type DeletedObject<T extends DeletableObject = DeletableObject> = T & {
  resource: ApiResource;
  uid: string;
  /** Whether finalizers or a grace period hold it. */
  stays: boolean;
  /** Whether the shared watches know it, and so will tell when it is gone. */
  watched: boolean;
};

/** What deletions have come to. */
export interface DeletionReport<T extends DeletableObject> {
  deleted: DeletedObject<T>[];
  /** What was not there. */
  gone: T[];
  kept: (T & Refusal)[];
  failures: (T & { error: Error })[];
}

/**
 * Deletes objects that no guard keeps. Deletion is requested, not awaited; what is refused does not keep the rest from
 * being deleted.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function deleteObjects<T extends DeletableObject>(
  items: readonly T[],
  o: DeletionOptions<T>,
): Promise<DeletionReport<T>> {
  const report: DeletionReport<T> = { deleted: [], gone: [], kept: [], failures: [] };
  const free = items.filter((item) => {
    const refusal = firstRefusal(o.guards, (guard) => guard.beforehand?.(item));
    if (refusal !== undefined) report.kept.push({ ...item, ...refusal });
    return refusal === undefined;
  });
  for (const stage of o.stagesOf(free)) {
    await mapConcurrently(stage, o.concurrency, async (item) => {
      o.signal?.throwIfAborted();
      try {
        await deleteOne(item, o, report);
      } catch (error) {
        o.signal?.throwIfAborted();
        report.failures.push({ ...item, error: objectError(item.object, 'delete', error) });
      }
    });
  }
  return report;
}

async function deleteOne<T extends DeletableObject>(
  item: T,
  o: DeletionOptions<T>,
  report: DeletionReport<T>,
): Promise<void> {
  const { client, guards, propagation, dryRun, signal } = o;
  const { metadata } = item.object;
  const resource = item.resource ?? (await resourceOfAnyVersion(gvkOf(item.object), o));
  // An entry that was made before its kind was known may have a namespace too many; what it names cannot exist, and the
  // object of that name without a namespace may well be wanted.
  if (resource === undefined || resource.namespaced !== Boolean(metadata.namespace)) {
    report.gone.push(item);
    return;
  }
  const known = o.live?.get(resource, metadata);
  const how = { guards, propagation, known, beforeDelete: o.beforeDelete, dryRun, signal };
  const found = await deleteObject({ client, resource, item, ...how });
  if (found.type === 'gone') report.gone.push(item);
  else if (found.type === 'kept') {
    const { guard, why } = found;
    report.kept.push({ ...item, guard, why });
  } else {
    const { uid, stays } = found;
    report.deleted.push({ ...item, resource, uid, stays, watched: known?.metadata.uid === uid });
  }
}
