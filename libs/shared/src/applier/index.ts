// What the controllers that apply objects have in common.

export { type ApplierEnvironment, applierEnvironment, applierFlags } from './applier-flags.ts';
export { type ApplierParts, createApplierParts, type DownloadOptions } from './applier-parts.ts';
export { type ApplierDoors, applierService } from './applier-service.ts';
export { type Audit, type AuditEntry, noAudit } from './audit/audit.ts';
export { auditEntry } from './audit/audit-entry.ts';
export { type AuditedAction, auditedAction } from './audit/audited-action.ts';
export { auditedChanges, auditedDrift, auditedObject } from './audit/audited-objects.ts';
export { createAudit } from './audit/create-audit.ts';
export type {
  Admission,
  ChangePolicy,
  HeldChange,
  ProposedChange,
} from './change/admit.ts';
export { heldByRollback } from './change/admit.ts';
export type { AdmittedChange } from './change/admitted-change.ts';
export { maxAnnotationText } from './change/annotation-text.ts';
export { ChangeControl } from './change/change-control.ts';
export { changeDigestOf, isApproval } from './change/change-digest.ts';
export { type ChangePlan, compareObjects, planOf } from './change/change-plan.ts';
export {
  type ComparisonOptions,
  type PlannedDifference,
  plannedDeletion,
  plannedObject,
} from './change/compare-object.ts';
export type { Holding } from './change/holding.ts';
export { noteAdmission, tellAdmission } from './change/note-admission.ts';
export { forgetHeld, heldReason, noteHeld } from './change/note-held.ts';
export {
  type FormerChange,
  formerChange,
  goneBack,
  keepsSnapshots,
  type WayBack,
  withoutRefusal,
} from './change/rollback/former-change.ts';
export { formerRelease } from './change/rollback/former-release.ts';
export {
  type RollbackRequest,
  rollbackRequestOf,
  whyNoRequest,
} from './change/rollback/rollback-request.ts';
export { acceptRollback, refuseRollback } from './change/rollback/tell-rollback.ts';
export { cleanSnapshots } from './change/snapshots/clean-snapshots.ts';
export { type KeptSnapshot, keepSnapshot } from './change/snapshots/keep-snapshot.ts';
export {
  type ReadSnapshot,
  readSnapshot,
  type SnapshotReference,
} from './change/snapshots/read-snapshot.ts';
export type { SnapshotTarget } from './change/snapshots/snapshot-name.ts';
export { type ReadWindow, readWindow } from './change/windows/read-window.ts';
export { type WindowVerdict, windowSpan, windowVerdict } from './change/windows/window-verdict.ts';
export { Windows } from './change/windows/windows.ts';
export type { ConfigWatch } from './config-watch.ts';
export type { ApplierLogins } from './create-tenants.ts';
export { dependantsRemainReason } from './deletion-order.ts';
export { DependencyWatch } from './dependency-watch.ts';
export { eventFacts } from './event-facts.ts';
export { kustomizeIdentity } from './kustomize-identity.ts';
export { pinOf } from './pin-artifact.ts';
export {
  byVersion,
  chartOf,
  hasFailedTest,
  latestOf,
  phasesOf,
  previousOf,
  type ReleaseSnapshot,
  releaseOf,
} from './release-history.ts';
export { specDuration } from './spec-duration.ts';
export { maskedError, tellDrift } from './tell.ts';
export { noteConfigChange, watchConfigs } from './watch-configs.ts';
