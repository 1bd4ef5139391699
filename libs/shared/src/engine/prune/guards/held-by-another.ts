import { formatObjectId, objectIdOf } from '../../object/object-id.ts';
import type { DeletionGuard } from './deletion-guard.ts';

/** Name of {@link heldByAnotherGuard}. */
export const heldByAnotherName = 'held by another';

/** Finds another owner whose inventory holds an object, by its formatted id, and returns the key of that owner. */
export type HolderOf = (id: string) => string | undefined;

/**
 * Keeps what the inventory of another owner holds as well: where two have applied an object at the same time, as while it
 * moves from one to the other, the labels may name the one that gives it up.
 */
export function heldByAnotherGuard(holderOf: HolderOf): DeletionGuard {
  return {
    name: heldByAnotherName,
    onSight(_, { object }) {
      const holder = holderOf(formatObjectId(objectIdOf(object)));
      return holder === undefined ? undefined : `${holder} has it, too`;
    },
  };
}
