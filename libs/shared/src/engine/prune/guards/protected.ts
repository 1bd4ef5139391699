import { objectIdOf } from '../../object/object-id.ts';
import type { Protection } from '../deletion-protection.ts';
import type { DeletionGuard } from './deletion-guard.ts';

/** Name of {@link protectedGuard}. */
export const protectedName = 'protected';

/** Keeps what an owner must not delete unless its annotation names it; see `protectionOf`. */
export function protectedGuard(protection: Protection): DeletionGuard {
  return { name: protectedName, beforehand: ({ object }) => protection(objectIdOf(object)) };
}

/** Keeps what asks in the cluster for a confirmation; to be asked once it is known to be the owner's. */
export function confirmedGuard(protection: Protection): DeletionGuard {
  return {
    name: protectedName,
    onSight: (live, { object }) => protection(objectIdOf(object), live),
  };
}
