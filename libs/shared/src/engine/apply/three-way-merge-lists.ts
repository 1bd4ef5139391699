import { isMap, type JsonMap } from '../object/object-fields.ts';

/** One part of an object in three states: as last applied, as it shall be, as it is. */
export interface States<T> {
  original: T;
  target: T;
  live: T;
}

/** Whether a patch does nothing. */
export function isEmptyMap(map: JsonMap): boolean {
  return Object.keys(map).length === 0;
}

type Lists = States<unknown[]>;

/** Returns the patch of a list of scalars that is merged as a set. */
export function patchSet(key: string, { original, target, live }: Lists): JsonMap {
  if (live.length === 0) return target.length === 0 ? {} : { [key]: target };
  const added = [...new Set(target)].filter((item) => !live.includes(item));
  const removed = [...new Set(original)].filter(
    (item) => live.includes(item) && !target.includes(item),
  );
  const patch: JsonMap = {};
  if (added.length > 0) patch[key] = added;
  if (removed.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = removed;
  if (added.length > 0 || isReordered(target, live)) patch[`$setElementOrder/${key}`] = target;
  return patch;
}

/** Whether what two lists have in common stands in another order. */
function isReordered(target: unknown[], live: unknown[]): boolean {
  const [inTarget, inLive] = [new Set(target), new Set(live)];
  const kept = [...inLive].filter((item) => inTarget.has(item));
  return [...inTarget].filter((item) => inLive.has(item)).some((item, at) => item !== kept[at]);
}

/** How the items of a list are told apart and compared. */
export interface ItemMerge {
  mergeKey: string;
  patchItem: (states: States<JsonMap>) => JsonMap;
}

/** Returns the patch of a list of maps whose items are merged by the value of their merge key. */
export function patchKeyedList(key: string, lists: Lists, merge: ItemMerge): JsonMap {
  const { target, live } = lists;
  if (live.length === 0) return target.length === 0 ? {} : { [key]: target };
  const { mergeKey } = merge;
  const items = pairItems(lists, mergeKey);
  const changed = changedItems(items, merge);
  const deleted = [...items.original.keys()].filter(
    (id) => items.live.has(id) && !items.target.has(id),
  );
  if (isAmbiguous(items) && changed.length + deleted.length > 0) {
    return { [key]: [{ $patch: 'replace' }, ...mergedItems(items)] };
  }
  const patch: JsonMap = {};
  const deletions = deleted.map((id) => deletionOf(items.live.get(id), mergeKey));
  if (changed.length + deleted.length > 0) patch[key] = [...changed, ...deletions];
  if (changed.length > 0 || isReordered([...items.target.keys()], [...items.live.keys()])) {
    patch[`$setElementOrder/${key}`] = target.map((item) => keyOnly(item, mergeKey));
  }
  return patch;
}

type Items = States<Map<string, unknown>>;

/** Names the items of the lists by their merge keys, those with equal keys also by their order. */
function pairItems({ original, target, live }: Lists, key: string): Items {
  return {
    original: byName(original, key),
    target: byName(target, key),
    live: byName(live, key),
  };
}

function byName(list: unknown[], key: string): Map<string, unknown> {
  const named = new Map<string, unknown>();
  for (const item of list) {
    const value = JSON.stringify(isMap(item) ? item[key] : undefined);
    let id = `${value}`;
    for (let copy = 2; named.has(id); copy++) id = `${value}${copyMark}${copy}`;
    named.set(id, item);
  }
  return named;
}

/** Cannot be part of JSON text. */
const copyMark = '\u0000';

/**
 * Whether items share a merge key, such as the TCP and the UDP side of one port. The API server would then merge each
 * change into the first of them, and delete all when one is to go.
 */
function isAmbiguous(items: Items): boolean {
  return Object.values(items).some((map) => [...map.keys()].some((id) => id.includes(copyMark)));
}

function changedItems(
  { original, target, live }: Items,
  { mergeKey, patchItem }: ItemMerge,
): unknown[] {
  return [...target].flatMap(([id, item]) => {
    const present = live.get(id);
    if (!isMap(item) || !isMap(present)) return [item];
    const before = original.get(id);
    const states = { original: isMap(before) ? before : {}, target: item, live: present };
    const patch = patchItem(states);
    return isEmptyMap(patch) ? [] : [{ ...patch, [mergeKey]: item[mergeKey] }];
  });
}

/** Returns the whole list as it shall be: the items of the target, with what others set in them, and those of others. */
function mergedItems({ original, target, live }: Items): unknown[] {
  const ours = [...target].map(([id, item]) => {
    const [before, present] = [original.get(id), live.get(id)];
    if (!isMap(item) || !isMap(present)) return item;
    const dropped = isMap(before) ? Object.keys(before) : [];
    const kept = Object.entries(present).filter(([name]) => !dropped.includes(name));
    return { ...Object.fromEntries(kept), ...item };
  });
  const others = [...live].filter(([id]) => !target.has(id) && !original.has(id));
  return [...ours, ...others.map(([, item]) => item)];
}

function deletionOf(item: unknown, key: string): JsonMap {
  return { $patch: 'delete', ...keyOnly(item, key) };
}

function keyOnly(item: unknown, key: string): JsonMap {
  return { [key]: isMap(item) ? item[key] : undefined };
}
