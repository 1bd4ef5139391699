import { isDeepStrictEqual } from 'node:util';
import { isMap, type JsonMap } from '../object/object-fields.ts';
import type { FieldMerge, MergeSchema } from './strategic-merge-schema.ts';
import { isEmptyMap, patchKeyedList, patchSet, type States } from './three-way-merge-lists.ts';

/**
 * Returns the patch that brings an object from its live state to the target: it sets what differs from the target and
 * removes what the original state had and the target has not, so that fields set by others stay. Empty when there is
 * nothing to do.
 *
 * @param schema how lists and maps of the kind are merged, for a strategic merge patch; an empty one for a JSON merge
 * patch, which replaces lists
 * @see https://www.rfc-editor.org/rfc/rfc7386
 */
export function threeWayPatch(states: States<JsonMap>, schema: MergeSchema): JsonMap {
  return patchMap(states, { fields: schema, retainKeys: false });
}

function patchMap(
  { original, target, live }: States<JsonMap>,
  { fields, retainKeys }: { fields: MergeSchema; retainKeys: boolean },
): JsonMap {
  const patch: JsonMap = {};
  for (const key of Object.keys(target)) {
    const states = { original: own(original, key), target: target[key], live: own(live, key) };
    Object.assign(patch, patchField(key, states, fields.get(key)));
  }
  for (const key of Object.keys(original)) {
    if (!Object.hasOwn(target, key) && Object.hasOwn(live, key)) patch[key] = null;
  }
  if (retainKeys) {
    const retained = Object.keys(target).filter((key) => target[key] !== null);
    const hasOthers = Object.keys(live).some((key) => !Object.hasOwn(target, key));
    if (retained.length > 0 && (hasOthers || !isEmptyMap(patch))) {
      patch['$retainKeys'] = retained.sort();
    }
  }
  return patch;
}

/** Names such as `constructor` are legal keys of labels and data. */
function own(map: JsonMap, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function patchField(key: string, states: States<unknown>, merge: FieldMerge | undefined): JsonMap {
  const { original, target, live } = states;
  if (live === undefined) return target === null ? {} : { [key]: target };
  if (isMap(target) && isMap(live) && merge?.strategy !== 'replace') {
    const parts = { original: isMap(original) ? original : {}, target, live };
    const patch = patchMap(parts, merge ?? unknownField);
    return isEmptyMap(patch) ? {} : { [key]: patch };
  }
  if (Array.isArray(target) && Array.isArray(live) && merge?.strategy === 'merge') {
    const lists = { original: Array.isArray(original) ? original : [], target, live };
    const { key: mergeKey } = merge;
    if (mergeKey === undefined) return patchSet(key, lists);
    return patchKeyedList(key, lists, { mergeKey, patchItem: (item) => patchMap(item, merge) });
  }
  return isDeepStrictEqual(target, live) ? {} : { [key]: target };
}

const unknownField: FieldMerge = { retainKeys: false, fields: new Map() };
