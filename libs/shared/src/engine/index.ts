// What is done to objects for their owner: applying, pruning, health and drift.
export { applyClientSide, type ClientSideApplyOptions } from './apply/apply-client-side.ts';
export {
  type AppliedChange,
  type ApplyContext,
  type ApplyOptions,
  type ApplyResult,
  applyContext,
  type ObjectFailure,
} from './apply/apply-context.ts';
export {
  isAnswer,
  isImmutableError,
  mayHaveHappened,
  ObjectError,
  objectError,
} from './apply/apply-error.ts';
export type { TakeOver } from './apply/apply-managers.ts';
export { applyObject } from './apply/apply-object.ts';
export { applyObjects } from './apply/apply-objects.ts';
export { inApplyOrder, stagesOf } from './apply/apply-stages.ts';
export { appliedChanges, describeApplied, hasChanged } from './apply/describe-applied.ts';
export { failureLines, missingKinds } from './apply/failure-lines.ts';
export { recordApplied } from './apply/record-applied.ts';
export { DriftBackoff } from './drift/drift-backoff.ts';
export { confirmDrift, type Drift } from './drift/drift-confirm.ts';
export { describeDrift } from './drift/drift-describe.ts';
export {
  createHealer,
  type DriftListener,
  type DriftMode,
  type DriftOutcome,
  type HealDrift,
} from './drift/drift-heal.ts';
export { type DriftIgnoreRule, selects, stripIgnored } from './drift/drift-ignore.ts';
export {
  type DriftState,
  forgetOwnWrites,
  noDrift,
  noteDrift,
} from './drift/drift-notice.ts';
export { expiredJob, removesItself } from './drift/job-expiry.ts';
export { operationalRules } from './drift/operational-fields.ts';
export { judgeMissing, judgePresent } from './health/applied-health.ts';
export { explainUnhealthy } from './health/explain-unhealthy.ts';
export { computeHealth, type Health, type HealthStatus } from './health/health.ts';
export {
  type HealthRead,
  HealthReads,
  isNewerVersion,
  isNews,
  lacksValues,
  leastReadMs,
  unreadHealth,
} from './health/health-reads.ts';
export {
  checkHealthRules,
  evaluateHealth,
  type HealthRules,
  hasHealthRule,
} from './health/health-rules.ts';
export {
  diffObjects,
  diffObjectValues,
  type FieldChange,
  type ValueChange,
} from './object/object-diff.ts';
export {
  displayName,
  formatObjectId,
  type ObjectId,
  objectIdOf,
  parseObjectId,
} from './object/object-id.ts';
export {
  applyPolicyOf,
  isExcluded,
  isLeftAlone,
  kubectlManagers,
  managersByPrefix,
} from './object/object-policy.ts';
export {
  isUnchanged,
  type ObjectFate,
  type ReleaseChanges,
  type ReleaseState,
  releaseChanges,
} from './object/release-changes.ts';
export { describeChanges, summarizeChanges } from './object/release-changes-describe.ts';
export { AppliedState } from './owner/applied-state.ts';
export { type ApplierIdentity, namedOwner } from './owner/applier-identity.ts';
export { AwaitedKinds } from './owner/awaited-kinds.ts';
export { Cluster, type Inventories } from './owner/cluster.ts';
export { type Applier, Clusters, clusterKeyOf, type Target } from './owner/clusters.ts';
export {
  type InventoryEntry,
  idsOf,
  inventoryOf,
  mergeInventories,
  objectOfEntry,
  subtractInventory,
  withMarks,
} from './owner/inventory.ts';
export { createLiveObjects, type LiveChange, type LiveObjects } from './owner/live-objects.ts';
export { type NamedNews, type NamedObject, NamedWatches } from './owner/named-watches.ts';
export { OwnedObjects } from './owner/owned-objects.ts';
export { maxWatchesOfOwner, TenantWatches } from './owner/tenant-watches.ts';
export {
  type DeletedObject,
  type DeletionReport,
  deleteObjects,
} from './prune/delete-objects.ts';
export {
  isNamespace,
  type Protection,
  protectionOf,
  warnOfFlux,
} from './prune/deletion-protection.ts';
export type { DeletionGuard } from './prune/guards/deletion-guard.ts';
export { type HolderOf, heldByAnotherName } from './prune/guards/held-by-another.ts';
export { confirmedGuard, protectedGuard, protectedName } from './prune/guards/protected.ts';
export { type PruneOptions, type PruneResult, pruneObjects } from './prune/prune-objects.ts';
export { resourceOfAnyVersion } from './prune/resource-of-any-version.ts';
export { waitUntilGone } from './prune/wait-until-gone.ts';
