import type { KubeObject } from '@sluice/shared/api';
import { type ExactInteger, isExactInteger, isSameNumber } from '@sluice/shared/base';
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

export interface DiffOptions {
  /** Names items of lists by what tells them apart, as in `containers[name=web]`, instead of by their position. */
  namesItems?: boolean;
}

/**
 * Returns the fields in which two states of an object differ, status and the server's own metadata aside. `added` is
 * what only `to` has. A map or list that only one of them has is one change.
 */
export function diffObjects(from: KubeObject, to: KubeObject, o: DiffOptions = {}): FieldChange[] {
  const changes: FieldChange[] = [];
  const secret = isSecret(from) || isSecret(to);
  compare(comparable(from), comparable(to), [], (path, kind) => {
    changes.push({ path: formatPath(path, o), kind, masked: secret && isData(path) });
  });
  return changes;
}

/** One field that differs, with what it holds; values of Secrets, too. */
export interface ValueChange extends FieldChange {
  from: unknown;
  to: unknown;
}

/** As {@link diffObjects}, with the values, for who may be shown them once those that are masked are left out. */
export function diffObjectValues(from: KubeObject, to: KubeObject): ValueChange[] {
  const changes: ValueChange[] = [];
  const secret = isSecret(from) || isSecret(to);
  compare(comparable(from), comparable(to), [], (path, kind, values) => {
    changes.push({ path: formatPath(path), kind, masked: secret && isData(path), ...values });
  });
  return changes;
}

function isData(path: DiffStep[]): boolean {
  return path[0] === 'data' || path[0] === 'stringData';
}

/** Returns the fields in which two JSON values differ, items of lists by their position. */
export function diffValues(from: unknown, to: unknown): FieldChange[] {
  const changes: FieldChange[] = [];
  compare(from, to, [], (path, kind) => {
    changes.push({ path: formatPath(path), kind, masked: false });
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

/** An item of a list, which is at a position and may have a key that tells it apart. */
interface ItemStep {
  index: number;
  key: string;
  value: string | number;
}

type DiffStep = PathStep | ItemStep;

type Report = (
  path: DiffStep[],
  kind: FieldChange['kind'],
  values: { from: unknown; to: unknown },
) => void;

function compare(from: unknown, to: unknown, path: DiffStep[], report: Report): void {
  if (Object.is(from, to)) return;
  if (isMap(from) && isMap(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      compare(from[key], to[key], [...path, key], report);
    }
  } else if (Array.isArray(from) && Array.isArray(to)) compareLists(from, to, path, report);
  else if (isEmpty(from) && isEmpty(to)) return;
  else if (isNumber(from) && isNumber(to) && isSameNumber(from, to)) return;
  else if (from === undefined) report(path, 'added', { from, to });
  else report(path, to === undefined ? 'removed' : 'changed', { from, to });
}

function isNumber(value: unknown): value is number | ExactInteger {
  return typeof value === 'number' || isExactInteger(value);
}

/** The API server leaves out what is empty in one answer and not in the other. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function compareLists(from: unknown[], to: unknown[], path: DiffStep[], report: Report): void {
  const key = listKeys.find((name) => isKeyOf(name, from) && isKeyOf(name, to));
  if (key === undefined) {
    compareByPosition(from, to, path, report);
    return;
  }
  const find = (list: unknown[], item: unknown) =>
    list.findIndex((other) => (other as JsonMap)[key] === (item as JsonMap)[key]);
  const step = (item: unknown, index: number): ItemStep => {
    return { index, key, value: (item as Record<string, string | number>)[key] as string | number };
  };
  from.forEach((item, index) => {
    const match = find(to, item);
    compare(item, match < 0 ? undefined : to[match], [...path, step(item, index)], report);
  });
  to.forEach((item, index) => {
    if (find(from, item) < 0)
      report([...path, step(item, index)], 'added', { from: undefined, to: item });
  });
}

function isKeyOf(name: string, list: unknown[]): boolean {
  const values = list.map((item) => (isMap(item) ? item[name] : undefined));
  const isPlain = values.every((value) => typeof value === 'string' || typeof value === 'number');
  return isPlain && new Set(values).size === values.length;
}

function compareByPosition(from: unknown[], to: unknown[], path: DiffStep[], report: Report): void {
  for (let index = 0; index < Math.max(from.length, to.length); index++) {
    compare(from[index], to[index], [...path, index], report);
  }
}

/** Formats a path as `.spec.containers[0].image`; keys with other characters in quotes, as `.data["a.b"]`. */
export function formatPath(path: DiffStep[], { namesItems }: DiffOptions = {}): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      if (typeof step === 'string') return isWord(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
      return namesItems ? `[${step.key}=${itemName(step.value)}]` : `[${step.index}]`;
    })
    .join('');
}

function isWord(text: string): boolean {
  return /^[A-Za-z_][-A-Za-z0-9_]*$/.test(text);
}

/** Names with a character that could end the step stand in quotes. */
function itemName(value: string | number): string {
  return typeof value === 'number' || /^[^\s\]"]+$/.test(value)
    ? `${value}`
    : JSON.stringify(value);
}
