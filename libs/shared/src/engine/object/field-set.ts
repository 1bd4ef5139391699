import { isExactInteger, parseJson } from '@sluice/shared/base';
import { isMap, type JsonMap } from './object-fields.ts';

/**
 * A set of fields in the form of `managedFields[].fieldsV1`: keys `f:<name>` for map keys, `k:<json>` for list items by
 * their keys, `v:<json>` for items of a set, `i:<index>` for items by position, and `.` for the parent itself.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export type FieldSet = { [key: string]: FieldSet };

/** Returns the fields in either set. */
export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  const union: FieldSet = { ...a };
  for (const [key, child] of Object.entries(b)) {
    const own = union[key];
    union[key] = own === undefined ? child : unionOf(own, child);
    // A leaf owns its whole value; joined with a set of children it stays a member through '.'.
    if (own !== undefined && isLeaf(own) !== isLeaf(child)) union[key] = { '.': {}, ...union[key] };
  }
  return union;
}

/** Whether the set names a field without naming parts of it. */
export function isLeaf(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** One step of a path into an object: a map key, or a position in a list. */
export type PathStep = string | number;

/**
 * Returns the position of the list item that a `k:`, `v:` or `i:` key of a field set means, or -1.
 */
export function itemIndex(list: unknown[], key: string): number {
  const text = key.slice(2);
  if (key.startsWith('i:')) return Number(text) < list.length ? Number(text) : -1;
  const wanted = parseJson(text);
  if (key.startsWith('v:')) return list.findIndex((item) => isSameScalar(item, wanted));
  const keys = Object.entries(wanted as JsonMap);
  return list.findIndex(
    (item) => isMap(item) && keys.every(([name, value]) => isSameScalar(item[name], value)),
  );
}

function isSameScalar(a: unknown, b: unknown): boolean {
  return a === b || (isExactInteger(a) && isExactInteger(b) && a.rawJSON === b.rawJSON);
}

/**
 * Writes the part of a value that a field set covers, so that two values have the same text for a set exactly when they
 * agree on its fields. Missing fields count; parts of the value outside the set do not.
 */
export function projection(value: unknown, set: FieldSet): string {
  // A text where parts are expected is the digest of what they were taken from.
  if (isLeaf(set) || typeof value === 'string') return `${canonical(value)},`;
  let text = '(';
  for (const key in set) {
    const child = set[key] as FieldSet;
    if (key === '.') text += value === undefined ? '-' : '.';
    else if (key.charCodeAt(0) === fieldPrefix) {
      text += projection(isMap(value) ? value[key.slice(2)] : undefined, child);
    } else {
      const index = Array.isArray(value) ? itemIndex(value, key) : -1;
      text += projection(index < 0 ? undefined : (value as unknown[])[index], child);
    }
  }
  return `${text})`;
}

const fieldPrefix = 'f'.charCodeAt(0);

/** Returns JSON with sorted keys. */
function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (isExactInteger(value)) return value.rawJSON;
  if (!isMap(value)) return String(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${entries.join()}}`;
}

/** Calls back for each field of the set that exists in the value, with the path to it; parents come before parts. */
export function visitFields(
  value: unknown,
  set: FieldSet,
  visit: (path: PathStep[], value: unknown) => void,
  path: PathStep[] = [],
): void {
  if (value === undefined) return;
  if (path.length > 0 && (isLeaf(set) || set['.'] !== undefined)) visit(path, value);
  for (const [key, child] of Object.entries(set)) {
    if (key === '.') continue;
    const step = stepOf(value, key);
    if (step === undefined) continue;
    const next = (value as JsonMap)[step as string];
    visitFields(next, child, visit, [...path, step]);
  }
}

function stepOf(value: unknown, key: string): PathStep | undefined {
  if (key.startsWith('f:')) return isMap(value) ? key.slice(2) : undefined;
  const index = Array.isArray(value) ? itemIndex(value, key) : -1;
  return index < 0 ? undefined : index;
}

/**
 * Returns the set at a path, following positions in lists through the keys of the items.
 *
 * @param value the object to which the set belongs
 */
export function subsetAt(value: unknown, set: FieldSet, path: PathStep[]): FieldSet | undefined {
  let [current, at]: [FieldSet | undefined, unknown] = [set, value];
  for (const step of path) {
    if (current === undefined) return undefined;
    current = current[keyAt(at, current, step)];
    at = at === null || typeof at !== 'object' ? undefined : (at as JsonMap)[step as string];
  }
  return current;
}

/** Returns the set without the fields at and below a path. */
export function withoutPath(value: unknown, set: FieldSet, path: PathStep[]): FieldSet {
  const [step, ...rest] = path;
  if (step === undefined) return {};
  const key = keyAt(value, set, step);
  const child = set[key];
  if (child === undefined) return set;
  const copy = { ...set };
  const below = (value as JsonMap | undefined)?.[step as string];
  const remaining = rest.length === 0 ? {} : withoutPath(below, child, rest);
  // A set emptied by this would mean the whole value; the field is then left out altogether.
  if (isLeaf(remaining) && !(isLeaf(child) && rest.length > 0)) delete copy[key];
  else copy[key] = remaining;
  return copy;
}

/** Returns the key under which a set holds a step. */
function keyAt(value: unknown, set: FieldSet, step: PathStep): string {
  if (!Array.isArray(value)) return `f:${step}`;
  const index = Number(step);
  const found = Object.keys(set).find(
    (key) => key !== '.' && !key.startsWith('f:') && itemIndex(value, key) === index,
  );
  return found ?? `i:${step}`;
}
