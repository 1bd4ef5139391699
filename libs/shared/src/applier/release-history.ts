import type { HelmRelease } from '@sluice/shared/api';

/** One entry of status.history of a HelmRelease. */
export type ReleaseSnapshot = NonNullable<NonNullable<HelmRelease['status']>['history']>[number];

/** Returns the entries, newest revision first. */
export function byVersion(history: readonly ReleaseSnapshot[]): ReleaseSnapshot[] {
  return history.toSorted((a, b) => b.version - a.version);
}

/** Returns the entry of the newest revision. */
export function latestOf(history: readonly ReleaseSnapshot[]): ReleaseSnapshot | undefined {
  return byVersion(history)[0];
}

/** Whether a test of the release failed. */
export function hasFailedTest(snapshot: ReleaseSnapshot): boolean {
  return phasesOf(snapshot).includes('Failed');
}

/** Returns what has become of each test of the release. */
export function phasesOf(snapshot: ReleaseSnapshot): (string | undefined)[] {
  return Object.values(snapshot.testHooks ?? {}).map((hook) => hook?.phase);
}

function isGood(snapshot: ReleaseSnapshot, ignoreTests: boolean): boolean {
  const wasDeployed = snapshot.status === 'deployed' || snapshot.status === 'superseded';
  return wasDeployed && (ignoreTests || !hasFailedTest(snapshot));
}

/**
 * Returns the newest entry before the latest to which a rollback can go.
 *
 * @param ignoreTests whether a release with failed tests is good enough
 */
export function previousOf(
  history: readonly ReleaseSnapshot[],
  ignoreTests: boolean,
): ReleaseSnapshot | undefined {
  const [, ...older] = byVersion(history);
  return older.find((snapshot) => isGood(snapshot, ignoreTests));
}

/** Names the release of an entry for people, as `<namespace>/<name>.v<version>`. */
export function releaseOf({
  namespace,
  name,
  version,
}: Pick<ReleaseSnapshot, 'namespace' | 'name' | 'version'>): string {
  return `${namespace}/${name}.v${version}`;
}

/** Names the chart of an entry for people, as `<name>@<version>`. */
export function chartOf(snapshot: ReleaseSnapshot): string {
  return `${snapshot.chartName}@${snapshot.chartVersion}`;
}
