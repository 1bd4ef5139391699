import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import {
  type AppliedChange,
  applyPolicyOf,
  formatObjectId,
  type InventoryEntry,
  idsOf,
  inventoryOf,
  isExcluded,
  mayHaveHappened,
  mergeInventories,
  type ObjectFailure,
  objectIdOf,
  type Target,
} from '@sluice/shared/engine';
import { gvkOf, isNotFound, NoKindMatchError } from '@sluice/shared/kube';
import type { Run } from './run.ts';

/**
 * Returns what an apply may come to have: what was there before, and everything that it may create or change. Whatever it
 * will pass over is somebody else's, and naming it gives no claim to it.
 *
 * @param before the inventory so far
 */
export async function claimedInventory(
  run: Run,
  target: Target,
  { objects, before }: { objects: KubeObject[]; before: InventoryEntry[] },
): Promise<InventoryEntry[]> {
  const { identity, concurrentApplies } = run.deps.settings;
  const held = idsOf(before);
  const wanted = await mapConcurrently(objects, concurrentApplies, async (object) => {
    if (held.has(formatObjectId(objectIdOf(object)))) return true;
    if (isExcluded(object, identity.annotationPrefix)) return false;
    const policy = applyPolicyOf(object, identity.annotationPrefix);
    return policy !== 'IfNotPresent' || !(await isPresent(run, target, object));
  });
  return mergeInventories(inventoryOf(objects.filter((_, index) => wanted[index])), before);
}

/** Whether the tenant finds the object; one that cannot be looked at cannot be created with this policy either. */
async function isPresent(run: Run, { client }: Target, object: KubeObject): Promise<boolean> {
  try {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    await client.get(resource, object.metadata, { metadataOnly: true, signal: run.signal });
    return true;
  } catch (error) {
    run.signal.throwIfAborted();
    return !isNotFound(error) && !(error instanceof NoKindMatchError);
  }
}

/** Returns the entries of what an apply has made its own; of what it has passed over, those that were so before. */
export function appliedInventory(
  changes: AppliedChange[],
  before: InventoryEntry[],
): InventoryEntry[] {
  const held = idsOf(before);
  const own = changes.filter(
    ({ id, action }) => action !== 'skipped' || held.has(formatObjectId(id)),
  );
  return inventoryOf(own.map(withIdentity));
}

/** Returns what is managed after an apply that failed in part: what was refused is not. */
export function inventoryAfterFailure(
  { changes, failures }: { changes: AppliedChange[]; failures: ObjectFailure[] },
  o: { claimed: InventoryEntry[]; before: InventoryEntry[] },
): InventoryEntry[] {
  const uncertain = failures.filter(({ error }) => mayHaveHappened(error));
  const kept = new Set(uncertain.map(({ id }) => formatObjectId(id)));
  const applied = mergeInventories(appliedInventory(changes, o.before), o.before);
  return mergeInventories(
    applied,
    o.claimed.filter(({ id }) => kept.has(id)),
  );
}

/** A skipped object may be known by its source alone, whose identity is already right. */
function withIdentity({ object, id }: AppliedChange): KubeObject {
  const { namespace, name } = id;
  return { ...object, metadata: { ...object.metadata, name, namespace: namespace || undefined } };
}
