import { isExactInteger } from './exact-integer.ts';

/** A map of YAML or JSON. */
export type PlainMap = Record<string, unknown>;

/** Whether a value of YAML or JSON is a map. */
export function isPlainMap(value: unknown): value is PlainMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactInteger(value)
  );
}

/** Merges two maps as Helm merges values: maps by their keys, anything else, lists too, as a whole. */
export function mergeMaps(below: PlainMap, above: PlainMap): PlainMap {
  const merged: PlainMap = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const other = Object.hasOwn(merged, key) ? merged[key] : undefined;
    const both = isPlainMap(value) && isPlainMap(other) ? mergeMaps(other, value) : value;
    // A key such as __proto__ is data like any other.
    Object.defineProperty(merged, key, {
      value: both,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return merged;
}
