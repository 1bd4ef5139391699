import { isDeepStrictEqual } from 'node:util';
import type { Values } from '../release/release.ts';
import { isMap, ownValue } from './merge.ts';

/**
 * Whether values of a release, kept under wanted ones as `--reuse-values` does, stay what they are: then an upgrade
 * that keeps values has nothing to change, although the release has values that are no longer wanted.
 */
export function keepsValues(released: Values, wanted: Values): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const present = ownValue(released, key);
    // Helm takes away what is null.
    if (value === null) return present === undefined || present === null;
    if (isMap(value) && isMap(present)) return keepsValues(present, value);
    return isDeepStrictEqual(present, value);
  });
}
