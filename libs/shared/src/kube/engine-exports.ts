// The engine half of the room: applying, pruning, health and drift of objects.
export { AppliedState, type AppliedStateOptions } from './applied-state.ts';
export type {
  AppliedChange,
  ApplyAction,
  ApplyOptions,
  ApplyResult,
  ObjectFailure,
} from './apply-context.ts';
export { isImmutableError, ObjectError, objectError } from './apply-error.ts';
export { applyObjects } from './apply-objects.ts';
export { stagesOf } from './apply-stages.ts';
export { checkObjects } from './apply-validate.ts';
export { compileCel, type Predicate } from './cel.ts';
export {
  type Applier,
  type ChangeListener,
  type Cluster,
  Clusters,
  type ClustersOptions,
  type Target,
} from './clusters.ts';
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
export { checkHealthRules, evaluateHealth, type HealthRules } from './health-rules.ts';
export {
  type InventoryEntry,
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
export { diffObjects, type FieldChange } from './object-diff.ts';
export {
  displayName,
  formatObjectId,
  type ObjectId,
  objectIdOf,
  parseObjectId,
} from './object-id.ts';
export { applyPolicyOf, isExcluded, isKeptFromPruning } from './object-policy.ts';
export {
  isOwnedBy,
  type OwnerLabels,
  type PruneOptions,
  type PruneResult,
  type PruneSkip,
  pruneObjects,
} from './prune-objects.ts';
export { type WatchObjectOptions, watchObject } from './watch-object.ts';
