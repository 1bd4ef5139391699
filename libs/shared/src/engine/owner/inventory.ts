import type { KubeObject } from '@sluice/shared/api';
import { apiVersionString } from '@sluice/shared/kube';
import { versionOf } from '../object/object-fields.ts';
import { formatObjectId, objectIdOf, parseObjectId } from '../object/object-id.ts';

/** An object that an owner has applied, as kept in `status.inventory.entries`. */
export interface InventoryEntry {
  /** `<namespace>_<name>_<group>_<kind>` */
  id: string;
  /** API version at which the object was applied, without the group. */
  v: string;
  /** A Namespace that was there before it was first applied. */
  adopted?: boolean | undefined;
  /** Checksum of a Job that removes itself, as it was applied. */
  digest?: string | undefined;
}

/** Returns the entries of objects, sorted by id, each id once. */
export function inventoryOf(objects: KubeObject[]): InventoryEntry[] {
  return mergeInventories(
    objects.map((object) => ({
      id: formatObjectId(objectIdOf(object)),
      v: versionOf(object.apiVersion),
    })),
    [],
  );
}

/**
 * Returns the object that an entry names, without content.
 *
 * @throws RangeError when the id cannot be read
 */
export function objectOfEntry({ id, v }: InventoryEntry): KubeObject {
  const { group, kind, namespace, name } = parseObjectId(id);
  const metadata = namespace === '' ? { name } : { name, namespace };
  return { apiVersion: apiVersionString({ group, version: v }), kind, metadata };
}

const idSets = new WeakMap<readonly InventoryEntry[], ReadonlySet<string>>();

/** Returns the ids of entries, which must not change afterwards. */
export function idsOf(entries: readonly InventoryEntry[]): ReadonlySet<string> {
  const known = idSets.get(entries) ?? new Set(entries.map((entry) => entry.id));
  idSets.set(entries, known);
  return known;
}

/** Returns the entries in either inventory, sorted by id; the versions of `a` win. */
export function mergeInventories(a: InventoryEntry[], b: InventoryEntry[]): InventoryEntry[] {
  const byId = new Map<string, InventoryEntry>();
  for (const entry of [...b, ...a]) byId.set(entry.id, entry);
  return [...byId.values()].sort((x, y) => (x.id < y.id ? -1 : x.id > y.id ? 1 : 0));
}

/** Returns the entries with the marks that others have for the same objects. */
export function withMarks(
  entries: readonly InventoryEntry[],
  marked: readonly InventoryEntry[],
): InventoryEntry[] {
  const marks = new Map(
    marked.map(({ id, adopted, digest }) => [
      id,
      { ...(adopted && { adopted }), ...(digest !== undefined && { digest }) },
    ]),
  );
  return entries.map((entry) => ({ ...marks.get(entry.id), ...entry }));
}

/** Returns the entries of `a` whose ids `b` lacks: what is stale when `b` is the new inventory. */
export function subtractInventory(a: InventoryEntry[], b: InventoryEntry[]): InventoryEntry[] {
  const kept = new Set(b.map((entry) => entry.id));
  return a.filter((entry) => !kept.has(entry.id));
}
