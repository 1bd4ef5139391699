import type { KindDefinition, KubeObject } from '@sluice/shared/api';
import {
  type Applier,
  type ApplierIdentity,
  clusterKeyOf,
  formatObjectId,
  type Inventories,
  type InventoryEntry,
  idsOf,
  namedOwner,
  objectIdOf,
} from '@sluice/shared/engine';
import {
  type Informer,
  isNotFound,
  type KubeClient,
  keyOf,
  parseKey,
  resourceOf,
} from '@sluice/shared/kube';

/** An object that applies others, and its inventory. */
export interface InventoryOwner extends Applier {
  status?: { inventory?: { entries: InventoryEntry[] } };
}

/** Who applies objects. */
export interface OwnerLookup {
  kind: KindDefinition;
  informer: Informer<InventoryOwner>;
  client: KubeClient;
  identity: ApplierIdentity;
  inventories: Inventories;
}

/**
 * Whether an object has moved from one owner to another, which is no drift: its labels name another owner that acts on
 * the same cluster, and that owner's inventory holds it. Anybody may write labels; nobody but the owner's controller
 * writes its inventory.
 *
 * @param owner who has applied it
 * @throws ApiError when the API server cannot be asked for an owner whose inventory is not known to hold it
 */
export async function isMovedFrom(
  owner: Applier,
  object: KubeObject,
  o: OwnerLookup,
): Promise<boolean> {
  const key = namedOwner(object, o.identity);
  if (key === undefined || key === keyOf(owner)) return false;
  const id = formatObjectId(objectIdOf(object));
  const known = o.informer.get(key);
  if (known !== undefined && mayHave(owner, known) && o.inventories(key, id)) return true;
  // Another shard reconciles it, or its inventory is newer than our watch.
  const current = await find(key, o);
  if (current === undefined || !mayHave(owner, current)) return false;
  return idsOf(current.status?.inventory?.entries ?? []).has(id);
}

/** Whether an owner could have taken over an object of another one. */
function mayHave(from: Applier, to: Applier): boolean {
  return !to.metadata.deletionTimestamp && clusterKeyOf(to) === clusterKeyOf(from);
}

async function find(
  key: string,
  { client, kind }: OwnerLookup,
): Promise<InventoryOwner | undefined> {
  try {
    return await client.get<InventoryOwner>(resourceOf(kind), parseKey(key));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
