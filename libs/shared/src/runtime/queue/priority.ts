import type { Priority } from '../reconciler.ts';

/** All priorities, most urgent first. */
export const priorities: readonly Priority[] = ['request', 'drift', 'progress', 'change', 'sync'];

const ranks: Record<Priority, number> = { request: 0, drift: 1, progress: 2, change: 3, sync: 4 };

/** Says whether a key with priority `a` is served before one with priority `b`. */
export function isMoreUrgent(a: Priority, b: Priority): boolean {
  return ranks[a] < ranks[b];
}

/** Returns the more urgent of two priorities. */
export function mostUrgent(a: Priority, b: Priority): Priority {
  return isMoreUrgent(b, a) ? b : a;
}
