import type { Condition } from '@sluice/shared/api';

/** A status as plain fields. */
export type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says whether two values are the same once written as JSON, where undefined fields are absent. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  }
  if (!isFields(a) || !isFields(b)) return false;
  const isCovered = (x: Fields, y: Fields) =>
    Object.keys(x).every((key) => x[key] === undefined || key in y);
  return isCovered(b, a) && Object.keys(a).every((key) => sameJson(a[key], b[key]));
}

/**
 * Returns the JSON merge patch that turns `from` into `to`, undefined when they are equal.
 * Fields that are undefined count as absent.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7396
 */
export function mergePatchBetween(from: Fields, to: Fields): Fields | undefined {
  const patch: Fields = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = from[key];
    const after = to[key];
    if (sameJson(before, after)) continue;
    if (after === undefined || after === null) {
      if (before !== undefined && before !== null) patch[key] = null;
    } else if (isFields(before) && isFields(after)) {
      const inner = mergePatchBetween(before, after);
      if (inner) patch[key] = inner;
    } else patch[key] = after;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/**
 * Applies a JSON merge patch.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7396
 */
export function applyMergePatch(to: Fields, patch: Fields): Fields {
  const result = { ...to };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (isFields(value)) {
      const before = result[key];
      result[key] = applyMergePatch(isFields(before) ? before : {}, value);
    } else result[key] = value;
  }
  return result;
}

/**
 * Merges two changes of one status: fields we changed since `base` are ours, all others theirs.
 * Conditions are merged by type.
 */
export function mergeStatus(base: Fields, ours: Fields, theirs: Fields): Fields {
  const merged: Fields = { ...theirs };
  for (const key of new Set([...Object.keys(base), ...Object.keys(ours)])) {
    if (key === 'conditions') continue;
    if (sameJson(base[key], ours[key])) continue;
    if (ours[key] === undefined) delete merged[key];
    else merged[key] = ours[key];
  }
  const conditions = mergeConditions(
    (base['conditions'] ?? []) as Condition[],
    (ours['conditions'] ?? []) as Condition[],
    (theirs['conditions'] ?? []) as Condition[],
  );
  if (conditions.length > 0 || theirs['conditions'] !== undefined) {
    merged['conditions'] = conditions;
  }
  return merged;
}

function mergeConditions(base: Condition[], ours: Condition[], theirs: Condition[]): Condition[] {
  const byType = (list: Condition[]) => new Map(list.map((c) => [c.type, c]));
  const [b, o, merged] = [byType(base), byType(ours), byType(theirs)];
  for (const type of new Set([...b.keys(), ...o.keys()])) {
    const mine = o.get(type);
    if (sameJson(b.get(type), mine)) continue;
    if (mine) merged.set(type, mine);
    else merged.delete(type);
  }
  return [...merged.values()];
}
