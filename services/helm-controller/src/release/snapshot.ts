import type { ReleaseSnapshot } from '@sluice/shared/applier';
import { isTextDigestAlgorithm, type TextDigestAlgorithm } from '@sluice/shared/base';
import { digestOf, snapshotApiVersion } from './digest.ts';
import { type Release, runsAt } from './release.ts';

/** One entry of status.history. */
export type Snapshot = ReleaseSnapshot;

/** The results of the tests of a release, by name. */
export type TestHooks = NonNullable<Snapshot['testHooks']>;

/** What the record of a release does not tell of how it was made. */
export interface SnapshotDetails {
  /** Digest of `release.config`. */
  configDigest: string;
  /** Action that made the release. */
  action?: string;
  ociDigest?: string;
  /** Of the checksum of the release; SHA-256 unless told. */
  algorithm?: TextDigestAlgorithm;
}

const zeroTime = '0001-01-01T00:00:00Z';

/** Cuts a time to seconds in UTC, as the API writes times. */
function apiTime(time: string): string {
  return new Date(time).toISOString().replace(/\.[0-9]+/, '');
}

/** Returns the entry of status.history for a release as it is stored. */
export function snapshotOf(release: Release, details: SnapshotDetails): Snapshot {
  const { info, chart } = release;
  const { name, version, appVersion } = chart.metadata;
  const { first_deployed, last_deployed, deleted } = info;
  return {
    apiVersion: snapshotApiVersion,
    digest: digestOf(release, details.ociDigest, details.algorithm),
    name: release.name,
    namespace: release.namespace,
    version: release.version,
    status: info.status,
    ...(details.action && { action: details.action }),
    chartName: name,
    chartVersion: version,
    ...(appVersion && { appVersion }),
    configDigest: details.configDigest,
    firstDeployed: first_deployed ? apiTime(first_deployed) : zeroTime,
    lastDeployed: last_deployed ? apiTime(last_deployed) : zeroTime,
    ...(deleted && { deleted: apiTime(deleted) }),
    ...(details.ociDigest && { ociDigest: details.ociDigest }),
  };
}

/**
 * How a stored release compares with an entry of status.history: `unverifiable` when the entry was made by a Flux
 * that computed digests in another way or with an algorithm that is not known here, `changed` when somebody else wrote the release since.
 */
export type Verification = 'same' | 'changed' | 'unverifiable';

/** Compares a stored release with the entry of status.history that was made of it. */
export function verifySnapshot(snapshot: Snapshot, release: Release): Verification {
  if (snapshot.apiVersion !== snapshotApiVersion) return 'unverifiable';
  const algorithm = snapshot.digest.slice(0, snapshot.digest.indexOf(':'));
  if (!isTextDigestAlgorithm(algorithm)) return 'unverifiable';
  const digest = digestOf(release, snapshot.ociDigest, algorithm);
  return snapshot.digest === digest ? 'same' : 'changed';
}

/** Returns the results of the tests of a release, of the selected ones only. */
export function testHooksOf(
  release: Release,
  isSelected: (name: string) => boolean = () => true,
): TestHooks {
  const hooks: TestHooks = {};
  for (const hook of release.hooks ?? []) {
    if (!runsAt(hook, 'test') || !isSelected(hook.name)) continue;
    const { started_at, completed_at, phase } = hook.last_run;
    hooks[hook.name] = {
      ...(started_at && { lastStarted: apiTime(started_at) }),
      ...(completed_at && { lastCompleted: apiTime(completed_at) }),
      ...(phase && { phase }),
    };
  }
  return hooks;
}
