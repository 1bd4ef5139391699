// The engine half of the room: applying, pruning, health and drift of objects.
export { AppliedState } from './applied-state.ts';
export { type ApplierIdentity, isOwnedBy, namedOwner } from './applier-identity.ts';
export { applyClientSide, type ClientSideApplyOptions } from './apply-client-side.ts';
export {
  type AppliedChange,
  type ApplyAction,
  type ApplyContext,
  type ApplyOptions,
  type ApplyResult,
  applyContext,
  type ObjectFailure,
} from './apply-context.ts';
export { isImmutableError, mayHaveHappened, ObjectError, objectError } from './apply-error.ts';
export { applyObject } from './apply-object.ts';
export { applyObjects } from './apply-objects.ts';
export { stagesOf } from './apply-stages.ts';
export { checkObjects } from './apply-validate.ts';
export { checkCelCount, compileCel, type Predicate } from './cel.ts';
export { type CelBudget, celBudgetOf } from './cel-budget.ts';
export { CelError, type CelErrorKind } from './cel-error.ts';
export { type ChangeListener, Cluster, type Inventories } from './cluster.ts';
export {
  type Applier,
  Clusters,
  type ClustersOptions,
  clusterKeyOf,
  type Target,
} from './clusters.ts';
export { type Deletion, type DeletionGuard, deleteObject } from './delete-object.ts';
export {
  type CorrectionVerdict,
  DriftBackoff,
  type DriftBackoffOptions,
} from './drift-backoff.ts';
export { type ConfirmDriftOptions, confirmDrift, type Drift } from './drift-confirm.ts';
export { describeDrift } from './drift-describe.ts';
export {
  type DriftListener,
  type DriftMode,
  type DriftOutcome,
  type HealOptions,
  healDrift,
} from './drift-heal.ts';
export { type DriftIgnoreRule, selects, stripIgnored } from './drift-ignore.ts';
export {
  type DriftState,
  forgetOwnWrites,
  isOlder,
  noDrift,
  noteDrift,
  type TrackedObject,
} from './drift-notice.ts';
export { computeHealth, type Health, type HealthStatus } from './health.ts';
export {
  checkHealthRules,
  evaluateHealth,
  type HealthRules,
  hasHealthRule,
} from './health-rules.ts';
export {
  type InventoryEntry,
  idsOf,
  inventoryOf,
  mergeInventories,
  subtractInventory,
} from './inventory.ts';
export { parseLabelSelector } from './label-selector.ts';
export {
  createLiveObjects,
  type LiveChange,
  type LiveObjects,
  type LiveObjectsOptions,
} from './live-objects.ts';
export { type DiffOptions, diffObjects, diffValues, type FieldChange } from './object-diff.ts';
export {
  displayName,
  formatObjectId,
  type ObjectId,
  objectIdOf,
  parseObjectId,
} from './object-id.ts';
export {
  applyPolicyOf,
  isExcluded,
  isKeptFromPruning,
  kubectlManagers,
  type ManagerMatch,
  managersByPrefix,
} from './object-policy.ts';
export { type Holds, OwnedObjects } from './owned-objects.ts';
export {
  type PruneOptions,
  type PruneResult,
  type PruneSkip,
  pruneObjects,
  resourceOfAnyVersion,
} from './prune-objects.ts';
export {
  isUnchanged,
  type ObjectChange,
  type ReleaseChanges,
  type ReleaseState,
  type Replaced,
  releaseChanges,
} from './release-changes.ts';
export { describeChanges, summarizeChanges } from './release-changes-describe.ts';
export { type WatchObjectOptions, watchObject } from './watch-object.ts';
