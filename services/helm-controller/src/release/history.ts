import type { Snapshot } from './snapshot.ts';

/** Entries that are kept when none of the older ones can be rolled back to. */
const maxEntries = 5;

/** Returns the entries, newest revision first. */
export function byVersion(history: readonly Snapshot[]): Snapshot[] {
  return history.toSorted((a, b) => b.version - a.version);
}

/** Returns the entry of the newest revision. */
export function latestOf(history: readonly Snapshot[]): Snapshot | undefined {
  return byVersion(history)[0];
}

/** Whether a test of the release failed. */
export function hasFailedTest(snapshot: Snapshot): boolean {
  return phasesOf(snapshot).includes('Failed');
}

/**
 * Whether the tests of the release were run to their end: all succeeded, or one failed. A release without tests
 * counts once that was recorded.
 */
export function hasBeenTested(snapshot: Snapshot): boolean {
  if (snapshot.testHooks === undefined) return false;
  const phases = phasesOf(snapshot);
  return phases.includes('Failed') || phases.every((phase) => phase === 'Succeeded');
}

function phasesOf(snapshot: Snapshot): (string | undefined)[] {
  return Object.values(snapshot.testHooks ?? {}).map((hook) => hook?.phase);
}

function isGood(snapshot: Snapshot, ignoreTests: boolean): boolean {
  const wasDeployed = snapshot.status === 'deployed' || snapshot.status === 'superseded';
  return wasDeployed && (ignoreTests || !hasFailedTest(snapshot));
}

/**
 * Returns the newest entry before the latest to which a rollback can go.
 *
 * @param ignoreTests whether a release with failed tests is good enough
 */
export function previousOf(
  history: readonly Snapshot[],
  ignoreTests: boolean,
): Snapshot | undefined {
  const [, ...older] = byVersion(history);
  return older.find((snapshot) => isGood(snapshot, ignoreTests));
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

/** Names the release of an entry for people, as `<namespace>/<name>.v<version>`. */
export function releaseOf(snapshot: Snapshot): string {
  return `${snapshot.namespace}/${snapshot.name}.v${snapshot.version}`;
}

/** Names the chart of an entry for people, as `<name>@<version>`. */
export function chartOf(snapshot: Snapshot): string {
  return `${snapshot.chartName}@${snapshot.chartVersion}`;
}
