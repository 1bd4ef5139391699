import type { IgnoreRule, KubeObject, ManagedFieldsEntry, Selector } from '@sluice/shared/api';
import { parseLabelSelector } from '@sluice/shared/kube';
import { RE2JS } from 're2js';
import { type FieldSet, isLeaf, subsetAt, withoutPath } from '../object/field-set.ts';
import { parsePointer, valueAt, without, withValue } from '../object/json-pointer.ts';
import { groupOf, versionOf } from '../object/object-fields.ts';

/** Fields left to others, as JSON Pointers, and the objects in which they are; all objects when there is no target. */
export type DriftIgnoreRule = IgnoreRule;

/**
 * Returns the paths that the rules exempt in an object, each as the parts of its JSON Pointer.
 *
 * @throws RangeError naming the pointer, regular expression or selector that cannot be read
 */
export function ignoredPaths(object: KubeObject, rules: DriftIgnoreRule[]): string[][] {
  return rules
    .filter((rule) => rule.target === undefined || selects(rule.target, object))
    .flatMap((rule) => rule.paths.map(parsePointer));
}

/** Whether a rule exempts fields of the object. */
export function matchesAnyRule(object: KubeObject, rules: DriftIgnoreRule[]): boolean {
  return ignoredPaths(object, rules).length > 0;
}

/** Whether a rule exempts an object as a whole, its existence included: the empty JSON Pointer means all of it. */
export function isExemptAsWhole(object: KubeObject, rules: DriftIgnoreRule[]): boolean {
  return ignoredPaths(object, rules).some((path) => path.length === 0);
}

/** Returns the object without the fields that the rules exempt. */
export function stripIgnored(object: KubeObject, rules: DriftIgnoreRule[]): KubeObject {
  return withoutAll(object, ignoredPaths(object, rules));
}

/** Returns the object without the fields at the paths; later positions in a list go first, so that none shifts. */
export function withoutAll(object: KubeObject, paths: string[][]): KubeObject {
  return sortedForRemoval(paths).reduce<unknown>(without, object) as KubeObject;
}

function sortedForRemoval(paths: string[][]): string[][] {
  const byPosition = new Intl.Collator('en', { numeric: true });
  return paths.toSorted((a, b) => byPosition.compare(b.join('/'), a.join('/')));
}

/**
 * Returns what to apply over an existing object so that exempted fields stay as they are: a field that another manager
 * has applied is left out, which leaves it to that manager; of any other field the present value is applied, for leaving
 * it out would remove it.
 *
 * @param live the object as it is, with its managed fields
 */
export function settleIgnored(
  desired: KubeObject,
  live: KubeObject,
  o: { rules: DriftIgnoreRule[]; fieldManager: string },
): KubeObject {
  const left: string[][] = [];
  let settled: unknown = desired;
  for (const path of ignoredPaths(desired, o.rules)) {
    if (isAppliedByOthers(live, path, o.fieldManager)) left.push(path);
    else {
      const present = valueAt(live, path);
      settled = present === undefined ? without(settled, path) : withValue(settled, path, present);
    }
  }
  return withoutAll(settled as KubeObject, left);
}

function isAppliedByOthers(live: KubeObject, path: string[], fieldManager: string): boolean {
  return (live.metadata.managedFields ?? []).some(
    (entry) => entry.manager !== fieldManager && hasApplied(live, entry, path),
  );
}

function hasApplied(live: KubeObject, entry: ManagedFieldsEntry, path: string[]): boolean {
  if (entry.operation !== 'Apply' || entry.subresource) return false;
  return subsetAt(live, (entry.fieldsV1 ?? {}) as FieldSet, path) !== undefined;
}

/** Returns a set of fields of an object without those that the rules exempt. */
export function withoutIgnored(
  object: KubeObject,
  set: FieldSet,
  rules: DriftIgnoreRule[],
): FieldSet {
  return ignoredPaths(object, rules).reduce(
    (remaining, path) => (isLeaf(remaining) ? remaining : withoutPath(object, remaining, path)),
    set,
  );
}

/** Whether a selector means an object: expressions match whole names, unset parts match everything. */
export function selects(selector: Selector, object: KubeObject): boolean {
  const { metadata, apiVersion, kind } = object;
  return (
    matches(selector.group, groupOf(apiVersion)) &&
    matches(selector.version, versionOf(apiVersion)) &&
    matches(selector.kind, kind) &&
    matches(selector.namespace, metadata.namespace ?? '') &&
    matches(selector.name, metadata.name) &&
    (!selector.labelSelector || parseLabelSelector(selector.labelSelector)(metadata.labels)) &&
    (!selector.annotationSelector ||
      parseLabelSelector(selector.annotationSelector)(metadata.annotations))
  );
}

/** RE2 runs in linear time whatever the expression, which tenants choose. */
function matches(expression: string | undefined, text: string): boolean {
  if (!expression) return true;
  try {
    return RE2JS.compile(expression).matches(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RangeError(
      `regular expression '${expression}' of an ignore rule is invalid: ${reason}`,
    );
  }
}
