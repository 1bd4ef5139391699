import type { Priority } from '../reconciler.ts';

/** All priorities, most urgent first. */
export const priorities: readonly Priority[] = ['request', 'drift', 'change', 'sync'];

const ranks: Record<Priority, number> = { request: 0, drift: 1, change: 2, sync: 3 };

/** Says whether a key with priority `a` is served before one with priority `b`. */
export function isMoreUrgent(a: Priority, b: Priority): boolean {
  return ranks[a] < ranks[b];
}

/** Returns the more urgent of two priorities. */
export function mostUrgent(a: Priority, b: Priority): Priority {
  return isMoreUrgent(b, a) ? b : a;
}
