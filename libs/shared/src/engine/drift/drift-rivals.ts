import type { KubeObject } from '@sluice/shared/api';
import { someOf } from '../apply/failure-lines.ts';
import { type FieldSet, visitFields } from '../object/field-set.ts';
import { formatPath } from '../object/object-diff.ts';
import type { Drift } from './drift-confirm.ts';

/** Most managers that are named. */
const maxManagers = 3;

/**
 * Names the field managers, other than ours, that hold fields in which an object has drifted, with these fields; the
 * empty string when none does, as when a field was removed.
 *
 * @param live the object with its managed fields
 */
export function describeRivals(live: KubeObject, { changes }: Drift, fieldManager: string): string {
  const fieldsOf = new Map<string, Set<string>>();
  for (const { manager = '', subresource, fieldsV1 } of live.metadata.managedFields ?? []) {
    if (manager === fieldManager || subresource) continue;
    visitFields(live, (fieldsV1 ?? {}) as FieldSet, (path) => {
      const held = formatPath(path);
      const change = changes.find((each) => isWithin(held, each.path));
      if (change === undefined) return;
      fieldsOf.set(manager, (fieldsOf.get(manager) ?? new Set()).add(change.path));
    });
  }
  const rivals = [...fieldsOf].map(([manager, fields]) => `${manager} (${someOf([...fields])})`);
  return someOf(rivals, maxManagers);
}

/** Whether a field is the other one, or a part of it. */
function isWithin(field: string, other: string): boolean {
  return field === other || (field.startsWith(other) && /^[.[]/.test(field.slice(other.length)));
}
