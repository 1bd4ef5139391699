import type { KubeObject } from '@sluice/shared/api';
import { formatObjectId, objectIdOf } from '@sluice/shared/engine';

/** What two renderings of one object have in common; undefined when the other has no such object. */
export interface Varying {
  agreed: unknown;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the part that two JSON values have in common; null in place of what differs. */
export function commonPart(a: unknown, b: unknown): unknown {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length)
    return a.map((item, index) => commonPart(item, b[index]));
  if (!isMap(a) || !isMap(b)) return null;
  const shared = Object.keys(a).filter((key) => Object.hasOwn(b, key));
  return Object.fromEntries(shared.map((key) => [key, commonPart(a[key], b[key])]));
}

/**
 * Finds the objects that templates make another way each time, as with random passwords, certificates and times.
 *
 * @returns by formatted id; an object whose very name is another each time has nothing in common with any
 */
export function varyingObjects(
  first: readonly KubeObject[],
  second: readonly KubeObject[],
): Map<string, Varying> {
  const again = new Map(second.map((object) => [formatObjectId(objectIdOf(object)), object]));
  const found = new Map<string, Varying>();
  for (const object of first) {
    const id = formatObjectId(objectIdOf(object));
    const other = again.get(id);
    if (JSON.stringify(object) === JSON.stringify(other)) continue;
    found.set(id, { agreed: other === undefined ? undefined : commonPart(object, other) });
  }
  return found;
}
