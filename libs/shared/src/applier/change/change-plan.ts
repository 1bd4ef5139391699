import type { KubeObject, PlannedObject } from '@sluice/shared/api';
import { digestOfParts, mapConcurrently } from '@sluice/shared/base';
import { type ComparisonOptions, compareObject, type PlannedDifference } from './compare-object.ts';

/** What a change would do to the cluster. */
export interface ChangePlan {
  /** `sha256:<hex>` of the change and of every difference. */
  digest: string;
  /** Deletions first. */
  objects: PlannedObject[];
  create: number;
  change: number;
  delete: number;
}

const order: Record<PlannedObject['action'], number> = {
  Delete: 0,
  Recreate: 1,
  Change: 2,
  Create: 3,
  Hook: 4,
};

/**
 * Makes a plan of what was compared.
 *
 * @param changeDigest digest of the change
 */
export function planOf(
  changeDigest: string,
  differences: readonly PlannedDifference[],
): ChangePlan {
  const objects = differences
    .map(({ planned }) => planned)
    .sort((a, b) => order[a.action] - order[b.action]);
  const count = (...actions: PlannedObject['action'][]) =>
    objects.filter(({ action }) => actions.includes(action)).length;
  const digests = differences.map(({ digest }) => digest).sort();
  return {
    digest: `sha256:${digestOfParts([changeDigest, ...digests])}`,
    objects,
    create: count('Create'),
    change: count('Change', 'Recreate'),
    delete: count('Delete'),
  };
}

/** How many hooks a plan runs. */
export function hookCountOf({ objects }: ChangePlan): number {
  return objects.filter(({ action }) => action === 'Hook').length;
}

/** Whether carrying out a plan would change nothing. Hooks may change anything. */
export function isEmptyPlan(plan: ChangePlan): boolean {
  return plan.create + plan.change + plan.delete + hookCountOf(plan) === 0;
}

/**
 * Finds out what applying objects would do, a few at a time.
 *
 * @throws ObjectError, ApiError, ConnectionError when that cannot be found out now; the signal's reason when aborted
 */
export async function compareObjects(
  objects: readonly KubeObject[],
  o: ComparisonOptions & { concurrency: number },
): Promise<PlannedDifference[]> {
  const found = await mapConcurrently(objects, o.concurrency, (object) => compareObject(object, o));
  return found.filter((difference) => difference !== undefined);
}
