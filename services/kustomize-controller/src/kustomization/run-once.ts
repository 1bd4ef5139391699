import type { KubeObject } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import {
  type AppliedChange,
  formatObjectId,
  type InventoryEntry,
  objectIdOf,
  removesItself,
} from '@sluice/shared/engine';

/** Returns inventory entries of applied Jobs that remove themselves, with a checksum of what they run. */
export function jobEntries(
  objects: readonly KubeObject[],
  changes: readonly AppliedChange[],
): InventoryEntry[] {
  const applied = changes.filter(({ action }) => action !== 'skipped');
  const ids = new Set(applied.map(({ id }) => formatObjectId(id)));
  return digestsOf(objects).filter(({ id }) => ids.has(id));
}

function digestsOf(objects: readonly KubeObject[]): InventoryEntry[] {
  return objects.filter(removesItself).map((object) => {
    const { spec } = object as KubeObject & { spec?: unknown };
    const digest = `sha256:${sha256Hex(JSON.stringify(spec))}`;
    return { id: formatObjectId(objectIdOf(object)), v: '', digest };
  });
}

/** Returns the formatted ids of Jobs that were applied as they are: where such a one is gone, it has been run. */
export function knownJobs(
  objects: readonly KubeObject[],
  before: readonly InventoryEntry[],
): Set<string> {
  const known = new Map(before.map(({ id, digest }) => [id, digest]));
  const same = digestsOf(objects).filter(({ id, digest }) => known.get(id) === digest);
  return new Set(same.map(({ id }) => id));
}
