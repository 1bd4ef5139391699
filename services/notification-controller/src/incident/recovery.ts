import type { FluxEvent } from '@sluice/shared/api';

/** What we say of an object about which nobody said anything: it is Ready, with its tests failing still, or gone. */
export const unsaidReasons = {
  ready: 'ObjectReady',
  untested: 'ObjectReadyWithoutTests',
  deleted: 'ObjectDeleted',
} as const;

/** Reasons by which controllers say that an object, whatever failed before, is as it should be. */
const goodReasons: readonly string[] = [
  'ReconciliationSucceeded',
  'Succeeded',
  'NewArtifact',
  'NewRevision',
  'NewChart',
  'ChartPullSucceeded',
  'ChartPackageSucceeded',
  'TestSucceeded',
  unsaidReasons.ready,
  unsaidReasons.deleted,
];

/** An action of a release that says nothing about its tests, which come after it. */
const releasedReasons: readonly string[] = [
  'InstallSucceeded',
  'UpgradeSucceeded',
  unsaidReasons.untested,
];
export const testFailedReason = 'TestFailed';

/**
 * Whether an event may say that an object has recovered. A rollback or an uninstallation that succeeds does not: it is
 * what is done about a release that failed.
 */
export function isRecovery({ severity, reason }: FluxEvent): boolean {
  return severity === 'info' && (goodReasons.includes(reason) || releasedReasons.includes(reason));
}

/** Whether an event says that an object has recovered from a failure of a reason. */
export function recoversFrom(event: FluxEvent, failed: string): boolean {
  if (!isRecovery(event)) return false;
  return goodReasons.includes(event.reason) || failed !== testFailedReason;
}
