import { isExactInteger } from '@sluice/shared/base';
import type { Values } from '../release/release.ts';
import { HelmInteger } from './helm-integer.ts';

/** Whether a value is a map, whatever its keys. */
export function isMap(value: unknown): value is Values {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof HelmInteger) &&
    !isExactInteger(value)
  );
}

/** Returns the value of a key of the map itself, so that `constructor` is a key like any other. */
export function ownValue(map: Values, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Sets a key as plain data; an assignment to `__proto__` would change what the map inherits from. */
export function setValue(map: Values, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value;
  else
    Object.defineProperty(map, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
}

/**
 * Merges one map over another: maps are merged, everything else, lists and null too, takes the place of what was
 * there. A null stays in the result, because Helm removes the chart's default for it.
 *
 * The result is new, and shares what was not merged with its sources; neither source is changed.
 */
export function mergeMaps(under: Values, over: Values): Values {
  const result: Values = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = ownValue(result, key);
    setValue(result, key, isMap(value) && isMap(below) ? mergeMaps(below, value) : value);
  }
  return result;
}
