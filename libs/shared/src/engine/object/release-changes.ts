import type { KubeObject } from '@sluice/shared/api';
import { diffObjects, diffValues, type FieldChange } from './object-diff.ts';
import { formatObjectId, type ObjectId, objectIdOf } from './object-id.ts';

/** Where a set of objects comes from, as far as its changes can be told. */
export interface ReleaseState {
  objects: readonly KubeObject[];
  /** Values of the user, without the chart's defaults. */
  values?: Readonly<Record<string, unknown>>;
  chart?: { name?: string; version?: string; appVersion?: string };
}

/** One thing that is another one now; undefined where there is or was none. */
export interface Replaced {
  from?: string;
  to?: string;
}

/** What became of an object that only the first state has: some stay, for a while or for good. */
export type ObjectFate = 'deleted' | 'deletion requested' | 'kept';

/** An object that is not the same in both states. */
export interface ObjectChange {
  id: ObjectId;
  action: 'created' | 'changed' | ObjectFate;
  /** The first fields that differ; none of an object that only one state has. */
  fields: FieldChange[];
  /** Fields that differ and are not listed. */
  moreFields: number;
  /** Only labels with versions differ, which a new chart changes in every object. */
  onlyVersions: boolean;
}

/** What differs between two states. Names fields, never their values, and is bounded in size. */
export interface ReleaseChanges {
  /** Version of the chart, with its name when that differs as well. */
  chart?: Replaced;
  appVersion?: Replaced;
  values: FieldChange[];
  /** Values that differ and are not listed. */
  moreValues: number;
  /** What is deleted first, then what is created, then what is changed. */
  objects: ObjectChange[];
  /** How many objects there are in all, listed or not. */
  counts: Record<ObjectChange['action'], number>;
  /** How many of the changed ones differ only in labels with versions. */
  onlyVersions: number;
}

const maxValues = 50;
const maxObjects = 50;
const maxFields = 20;
/** Longest path in characters; keys of annotations and of data may be as long as several hundred. */
const maxPathLength = 300;

/**
 * Returns what differs between two states of a release or of any other set of objects: chart, values, objects and their
 * fields. Items of lists are named by what tells them apart, as in `spec.containers[name=web].image`; in values they
 * have their position, for names in values may be secret.
 *
 * @param fateOf says what became of an object that only `from` has; all are deleted unless told
 */
export function releaseChanges(
  from: ReleaseState,
  to: ReleaseState,
  fateOf: (id: ObjectId) => ObjectFate = () => 'deleted',
): ReleaseChanges {
  const chart = replaced(chartText(from, to), chartText(to, from));
  const appVersion = replaced(from.chart?.appVersion, to.chart?.appVersion);
  const values = diffValues(from.values ?? {}, to.values ?? {}).map(shortened);
  const objects = objectChanges(from.objects, to.objects, fateOf);
  const counts = { created: 0, changed: 0, deleted: 0, 'deletion requested': 0, kept: 0 };
  for (const { action } of objects) counts[action]++;
  return {
    ...(chart && { chart }),
    ...(appVersion && { appVersion }),
    values: values.slice(0, maxValues),
    moreValues: Math.max(0, values.length - maxValues),
    objects: objects.slice(0, maxObjects),
    counts,
    onlyVersions: objects.filter(({ onlyVersions }) => onlyVersions).length,
  };
}

/** Whether nothing differs. */
export function isUnchanged({ chart, appVersion, values, objects }: ReleaseChanges): boolean {
  return !chart && !appVersion && values.length + objects.length === 0;
}

function replaced(from: string | undefined, to: string | undefined): Replaced | undefined {
  if (from === to) return undefined;
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function chartText({ chart }: ReleaseState, other: ReleaseState): string | undefined {
  if (chart?.version === undefined) return undefined;
  const isRenamed = other.chart !== undefined && other.chart.name !== chart.name;
  return isRenamed && chart.name !== undefined ? `${chart.name} ${chart.version}` : chart.version;
}

const actionOrder: ObjectChange['action'][] = [
  'deleted',
  'deletion requested',
  'kept',
  'created',
  'changed',
];

function objectChanges(
  from: readonly KubeObject[],
  to: readonly KubeObject[],
  fateOf: (id: ObjectId) => ObjectFate,
): ObjectChange[] {
  const [before, after] = [byId(from), byId(to)];
  const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap((id) =>
    objectChange(before.get(id), after.get(id), fateOf),
  );
  // What only a new version changes is said last, and is the first to be left out.
  const rank = (change: ObjectChange) =>
    change.onlyVersions ? actionOrder.length : actionOrder.indexOf(change.action);
  return changes.sort((a, b) => rank(a) - rank(b));
}

function byId(objects: readonly KubeObject[]): Map<string, KubeObject> {
  return new Map(objects.map((object) => [formatObjectId(objectIdOf(object)), object]));
}

function objectChange(
  from: KubeObject | undefined,
  to: KubeObject | undefined,
  fateOf: (id: ObjectId) => ObjectFate,
): ObjectChange[] {
  const none = { fields: [], moreFields: 0, onlyVersions: false };
  if (from === undefined || to === undefined) {
    const id = objectIdOf((to ?? from) as KubeObject);
    return [{ id, action: to ? 'created' : fateOf(id), ...none }];
  }
  const fields = diffObjects(from, to, { namesItems: true });
  if (fields.length === 0) return [];
  return [
    {
      id: objectIdOf(to),
      action: 'changed',
      fields: fields.slice(0, maxFields).map(shortened),
      moreFields: Math.max(0, fields.length - maxFields),
      onlyVersions: fields.every(isVersionLabel),
    },
  ];
}

/** Whether the field is a label that charts by convention fill with the version of the chart or of the application. */
export function isVersionLabel({ path }: FieldChange): boolean {
  return /\.labels\["(helm\.sh\/chart|app\.kubernetes\.io\/version)"\]$/.test(path);
}

function shortened(change: FieldChange): FieldChange {
  const path = change.path.replace(/^\./, '');
  const isLong = path.length > maxPathLength;
  return { ...change, path: isLong ? `${path.slice(0, maxPathLength - 3)}...` : path };
}
