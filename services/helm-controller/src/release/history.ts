import { byVersion, phasesOf, previousOf } from '@sluice/shared/applier';
import type { Snapshot } from './snapshot.ts';

/** Entries that are kept when none of the older ones can be rolled back to. */
const maxEntries = 5;

/**
 * Whether the tests of the release were run to their end: all succeeded, or one failed. A release without tests
 * counts once that was recorded.
 */
export function hasBeenTested(snapshot: Snapshot): boolean {
  if (snapshot.testHooks === undefined) return false;
  const phases = phasesOf(snapshot);
  return phases.includes('Failed') || phases.every((phase) => phase === 'Succeeded');
}

/** Returns the entries down to the one that {@link previousOf} finds, or the newest five when there is none. */
export function truncate(history: readonly Snapshot[], ignoreTests: boolean): Snapshot[] {
  const sorted = byVersion(history);
  const previous = previousOf(sorted, ignoreTests);
  if (previous === undefined) return sorted.slice(0, maxEntries);
  return sorted.slice(0, sorted.indexOf(previous) + 1);
}

/** Returns the newest five entries, whatever became of them; for strategies that never roll back. */
export function truncateToNewest(history: readonly Snapshot[]): Snapshot[] {
  return byVersion(history).slice(0, maxEntries);
}

/** Returns the entries with one added, or put in the place of that of the same revision. */
export function withSnapshot(history: readonly Snapshot[], snapshot: Snapshot): Snapshot[] {
  const others = history.filter(
    ({ name, namespace, version }) =>
      name !== snapshot.name || namespace !== snapshot.namespace || version !== snapshot.version,
  );
  return byVersion([...others, snapshot]);
}
