import type { KubeObject } from '@sluice/shared/api';
import type { PathStep } from './field-set.ts';
import { isMap, isSecret, type JsonMap } from './object-fields.ts';

/** One field that differs. No value is given, for it may be secret. */
export interface FieldChange {
  /** Path of the field, such as `.spec.template.spec.containers[0].image`. */
  path: string;
  kind: 'changed' | 'added' | 'removed';
  /** Whether the field is a value of a Secret. */
  masked: boolean;
}

/** Fields that the API server or controllers write and no source sets. */
const bookkeeping = [
  'managedFields',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'uid',
  'selfLink',
];
/** Keys by which lists of maps are matched, the first that all items have. */
const listKeys = ['name', 'key', 'containerPort', 'port', 'type', 'ip', 'mountPath', 'topologyKey'];

/**
 * Returns the fields in which two states of an object differ, status and the server's own metadata aside. `added` is
 * what only `to` has. A map or list that only one of them has is one change.
 */
export function diffObjects(from: KubeObject, to: KubeObject): FieldChange[] {
  const changes: FieldChange[] = [];
  const secret = isSecret(from) || isSecret(to);
  compare(comparable(from), comparable(to), [], (path, kind) => {
    const masked = secret && (path[0] === 'data' || path[0] === 'stringData');
    changes.push({ path: formatPath(path), kind, masked });
  });
  return changes;
}

function comparable(object: KubeObject): JsonMap {
  const { status: _, metadata, ...rest } = object as KubeObject & { status?: unknown };
  const meta = Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !bookkeeping.includes(name)),
  );
  return { ...rest, metadata: meta };
}

type Report = (path: PathStep[], kind: FieldChange['kind']) => void;

function compare(from: unknown, to: unknown, path: PathStep[], report: Report): void {
  if (Object.is(from, to)) return;
  if (isMap(from) && isMap(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      compare(from[key], to[key], [...path, key], report);
    }
  } else if (Array.isArray(from) && Array.isArray(to)) compareLists(from, to, path, report);
  else if (isEmpty(from) && isEmpty(to)) return;
  else if (from === undefined) report(path, 'added');
  else report(path, to === undefined ? 'removed' : 'changed');
}

/** The API server leaves out what is empty in one answer and not in the other. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function compareLists(from: unknown[], to: unknown[], path: PathStep[], report: Report): void {
  const key = listKeys.find((name) => isKeyOf(name, from) && isKeyOf(name, to));
  if (key === undefined) {
    compareByPosition(from, to, path, report);
    return;
  }
  const find = (list: unknown[], item: unknown) =>
    list.findIndex((other) => (other as JsonMap)[key] === (item as JsonMap)[key]);
  from.forEach((item, index) => {
    const match = find(to, item);
    compare(item, match < 0 ? undefined : to[match], [...path, index], report);
  });
  to.forEach((item, index) => {
    if (find(from, item) < 0) report([...path, index], 'added');
  });
}

function isKeyOf(name: string, list: unknown[]): boolean {
  const values = list.map((item) => (isMap(item) ? item[name] : undefined));
  return !values.includes(undefined) && new Set(values).size === values.length;
}

function compareByPosition(from: unknown[], to: unknown[], path: PathStep[], report: Report): void {
  for (let index = 0; index < Math.max(from.length, to.length); index++) {
    compare(from[index], to[index], [...path, index], report);
  }
}

/** Formats a path as `.spec.containers[0].image`; keys with other characters in quotes, as `.data["a.b"]`. */
export function formatPath(path: PathStep[]): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[A-Za-z_][-A-Za-z0-9_]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join('');
}
