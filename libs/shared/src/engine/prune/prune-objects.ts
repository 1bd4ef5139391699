import type { KubeClient, ObjectKey } from '@sluice/shared/kube';
import { pruneStagesOf } from '../apply/apply-stages.ts';
import { type ObjectId, parseObjectId } from '../object/object-id.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';
import { type InventoryEntry, objectOfEntry } from '../owner/inventory.ts';
import { deleteObjects } from './delete-objects.ts';
import type { Protection } from './deletion-protection.ts';
import { disabledGuard } from './guards/disabled.ts';
import { type HolderOf, heldByAnotherGuard } from './guards/held-by-another.ts';
import { notOwnedGuard } from './guards/not-owned.ts';
import { confirmedGuard, protectedGuard, protectedName } from './guards/protected.ts';

export interface PruneOptions {
  client: KubeClient;
  identity: ApplierIdentity;
  /** Whose objects may be deleted. */
  owner: ObjectKey;
  /** What must not be deleted whatever its labels say. */
  protection: Protection;
  /** Names other owners whose inventories hold an object. */
  holderOf?: HolderOf;
  /** Requests under way at a time. */
  concurrency: number;
  /** Only finds out what would be deleted. */
  dryRun?: boolean;
  /** Is called, and waited for, before each deletion is requested. Must not throw. */
  beforeDelete?(): Promise<void>;
  signal?: AbortSignal;
}

export interface PruneResult {
  /** What had its deletion requested. */
  deleted: ObjectId[];
  /** Of those, what finalizers or a grace period hold for now. */
  terminating: ObjectId[];
  /** What was left alone: `gone` already, or the name of the guard that kept it. */
  skipped: { id: ObjectId; why: string }[];
  /** What is protected, and why; it must stay in the inventory, too. */
  kept: { id: ObjectId; why: string }[];
  /** What must stay in the inventory, to be tried again. */
  failures: { id: ObjectId; error: Error }[];
}

/**
 * Deletes objects in the reverse order of applying, each only if it is not protected, its labels in the cluster name the
 * owner, no other owner has it, neither labels nor annotations ask to keep it, and it was confirmed where it asks for
 * that. Deletion is requested, not awaited.
 *
 * @param entries stale inventory entries
 * @throws RangeError when the id of an entry cannot be read; the signal's reason when aborted; nothing else
 */
export async function pruneObjects(
  entries: InventoryEntry[],
  o: PruneOptions,
): Promise<PruneResult> {
  const { client, identity, owner, protection, holderOf, concurrency, dryRun, signal } = o;
  const items = entries.map((entry) => {
    const object = objectOfEntry(entry);
    return { id: parseObjectId(entry.id), object };
  });
  const { deleted, gone, kept, failures } = await deleteObjects(items, {
    client,
    guards: [
      protectedGuard(protection),
      notOwnedGuard(identity, owner),
      ...(holderOf === undefined ? [] : [heldByAnotherGuard(holderOf)]),
      disabledGuard(identity.annotationPrefix),
      confirmedGuard(protection),
    ],
    stagesOf: pruneStagesOf,
    propagation: 'Background',
    concurrency,
    beforeDelete: o.beforeDelete,
    dryRun,
    signal,
  });
  const others = kept.filter(({ guard }) => guard !== protectedName);
  return {
    deleted: deleted.map(({ id }) => id),
    terminating: deleted.filter(({ stays }) => stays).map(({ id }) => id),
    skipped: [
      ...gone.map(({ id }) => ({ id, why: 'gone' })),
      ...others.map(({ id, guard }) => ({ id, why: guard })),
    ],
    kept: kept.filter(({ guard }) => guard === protectedName),
    failures,
  };
}
