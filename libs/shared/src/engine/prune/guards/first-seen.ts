import type { DeletionGuard } from './deletion-guard.ts';

/** Keeps what has taken the place of the object that was looked at first. For one object. */
export function firstSeenGuard(): DeletionGuard {
  let uid: string | undefined;
  return {
    name: 'first seen',
    onSight(live) {
      uid ??= live.metadata.uid;
      return live.metadata.uid === uid ? undefined : 'it has taken the place of another one';
    },
  };
}
