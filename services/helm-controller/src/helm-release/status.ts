import type { Condition } from '@sluice/shared/api';
import { latestOf } from '@sluice/shared/applier';
import { readyCondition } from '@sluice/shared/runtime';
import { withSnapshot } from '../release/history.ts';
import type { Release } from '../release/release.ts';
import { type Snapshot, snapshotOf } from '../release/snapshot.ts';
import { valuesDigest } from '../values/digest.ts';
import { commonMetadataDigest, postRenderersDigest } from './observed-digests.ts';
import { desiredOf, type Run } from './run.ts';

/** Conditions of HelmReleases besides those that every kind has. */
export const releasedCondition = 'Released';
export const testSuccessCondition = 'TestSuccess';
export const remediatedCondition = 'Remediated';
export const driftedCondition = 'Drifted';

type Status = Run['ctx']['status']['status'];

/** Returns the status that is being worked on. */
export function draftOf(run: Run): Status {
  return run.ctx.status.status;
}

/** Returns the entry of the newest revision in status.history. */
export function latestSnapshot(run: Run): Snapshot | undefined {
  return latestOf(draftOf(run).history ?? []);
}

/** Notes a stored release in status.history, in place of what was known of the same revision. */
export function noteRelease(run: Run, release: Release, action?: string): Snapshot {
  const status = draftOf(run);
  const known = status.history?.find(
    ({ name, namespace, version }) =>
      name === release.name && namespace === release.namespace && version === release.version,
  );
  const { digestAlgorithm } = run.deps.settings;
  const ociDigest = known?.ociDigest ?? (action && run.desired?.ociDigest);
  const details = {
    configDigest: valuesDigest(release.config, digestAlgorithm),
    algorithm: digestAlgorithm,
    ...((action ?? known?.action) && { action: action ?? known?.action }),
    ...(ociDigest && { ociDigest }),
  };
  const snapshot = snapshotOf(release, details);
  if (known?.testHooks) snapshot.testHooks = known.testHooks;
  if (known?.changes) snapshot.changes = known.changes;
  status.history = withSnapshot(status.history ?? [], snapshot);
  return snapshot;
}

/** Forgets the releases that were made, as when they are not ours any more. */
export function clearHistory(run: Run): void {
  delete draftOf(run).history;
}

/** Begins to count failures anew. */
export function clearFailures(run: Run): void {
  const status = draftOf(run);
  delete status.failures;
  delete status.installFailures;
  delete status.upgradeFailures;
}

const attemptFields = [
  'failures',
  'installFailures',
  'upgradeFailures',
  'storageNamespace',
  'lastAttemptedGeneration',
  'lastAttemptedRevision',
  'lastAttemptedRevisionDigest',
  'lastAttemptedConfigDigest',
  'lastAttemptedValuesChecksum',
  'lastReleaseRevision',
] as const;

/** Returns a function that gives fields of the status the values that they have now. */
function remember(status: Status, fields: readonly (keyof Status)[]): () => void {
  const before = fields.map((field) => [field, status[field]] as const);
  return () => {
    for (const field of fields) delete status[field];
    Object.assign(status, Object.fromEntries(before.filter(([, value]) => value !== undefined)));
  };
}

/** Returns a function that takes back what was observed of the spec, which an earlier one has led to. */
export function rememberObserved(run: Run): () => void {
  return remember(draftOf(run), ['observedPostRenderersDigest', 'observedCommonMetadataDigest']);
}

/** Notes what is tried; begins to count failures anew when that is not what failed. */
export function noteAttempt(run: Run): void {
  const status = draftOf(run);
  run.withdrawAttempt = remember(status, attemptFields);
  const { chart, configDigest, ociDigest } = desiredOf(run);
  const isSame =
    status.lastAttemptedGeneration === run.object.metadata.generation &&
    status.lastAttemptedRevision === chart.metadata.version &&
    (status.lastAttemptedConfigDigest ?? configDigest) === configDigest;
  run.isNewAttempt = !isSame;
  if (!isSame) clearFailures(run);
  status.storageNamespace = run.storageNamespace;
  status.lastAttemptedGeneration = run.object.metadata.generation ?? 0;
  status.lastAttemptedRevision = chart.metadata.version;
  if (ociDigest === undefined) delete status.lastAttemptedRevisionDigest;
  else status.lastAttemptedRevisionDigest = ociDigest;
  status.lastAttemptedConfigDigest = configDigest;
  delete status.lastAttemptedValuesChecksum;
  delete status.lastReleaseRevision;
}

/** Sets one of the conditions of this file. */
export function setCondition(
  run: Run,
  type: string,
  o: { status: Condition['status']; reason: string; message: string },
): void {
  run.ctx.status.setCondition({ type, ...o, message: run.masker.mask(o.message) });
}

/** Whether a condition is True. */
export function isTrue(run: Run, type: string): boolean {
  return run.ctx.status.getCondition(type)?.status === 'True';
}

/**
 * Makes Ready of what is known of the release, the tests and the remediation: the newest of these conditions counts,
 * among equally new ones a remediation before a test before the release.
 */
export function summarize(run: Run): void {
  const { status: draft } = run.ctx;
  const { test, postRenderers, commonMetadata } = run.object.spec;
  if (!test?.enable) draft.removeCondition(testSuccessCondition);
  const counts = test?.enable && !test.ignoreFailures;
  const types = [remediatedCondition, ...(counts ? [testSuccessCondition] : []), releasedCondition];
  const found = types.flatMap((type) => draft.getCondition(type) ?? []);
  const newest = Math.max(...found.map((condition) => condition.observedGeneration ?? 0));
  const deciding = found.find((condition) => (condition.observedGeneration ?? 0) === newest);
  if (deciding === undefined) return;
  // Whatever made a remediation necessary is not what was asked for.
  const status = deciding.type === remediatedCondition ? 'False' : deciding.status;
  const { reason, message } = deciding;
  draft.setCondition({ type: readyCondition, status, reason, message });
  setOrDelete(draft.status, 'observedPostRenderersDigest', postRenderersDigest(postRenderers));
  setOrDelete(draft.status, 'observedCommonMetadataDigest', commonMetadataDigest(commonMetadata));
}

function setOrDelete(
  status: Status,
  field: 'observedPostRenderersDigest' | 'observedCommonMetadataDigest',
  value: string | undefined,
): void {
  if (value === undefined) delete status[field];
  else status[field] = value;
}
