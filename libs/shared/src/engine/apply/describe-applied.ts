import type { KubeObject } from '@sluice/shared/api';
import { compactObject } from '../object/compact-object.ts';
import { type ReleaseChanges, releaseChanges } from '../object/release-changes.ts';
import { describeChanges } from '../object/release-changes-describe.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';
import type { AppliedChange } from './apply-context.ts';

/** Most objects that are compared: what an event can hold is full before. */
const maxObjects = 30;

/**
 * Returns what an apply has changed, with the paths of fields and without any value; of the first objects only, which
 * `counts` counts.
 */
export function appliedChanges(
  changes: readonly AppliedChange[],
  identity: Pick<ApplierIdentity, 'fieldManager'>,
): ReleaseChanges {
  const from: KubeObject[] = [];
  const to: KubeObject[] = [];
  for (const { object, action, before } of changes.filter(hasChanged).slice(0, maxObjects)) {
    // What the watches did not know of cannot be compared.
    if (action === 'configured' && before === undefined) continue;
    if (before !== undefined) from.push(compactObject(before, identity));
    to.push(compactObject(object, identity));
  }
  return releaseChanges({ objects: from }, { objects: to });
}

/** Whether an apply has changed an object. */
export function hasChanged({ action }: Pick<AppliedChange, 'action'>): boolean {
  return action !== 'unchanged' && action !== 'skipped';
}

/**
 * Describes what an apply has changed, for people: one line each for the first objects, with the paths of fields and
 * without any value; the empty string when it changed nothing.
 *
 * @param maxLength characters
 */
export function describeApplied(
  changes: readonly AppliedChange[],
  identity: Pick<ApplierIdentity, 'fieldManager'>,
  maxLength?: number,
): string {
  return describeChanges(appliedChanges(changes, identity), maxLength);
}
