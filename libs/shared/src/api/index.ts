// The API: one schema per kind, from which the static types, the CRDs and the reference are made.
export { type Alert, type AlertSpec, type AlertStatus, alertKind } from './alert.ts';
export { allKinds } from './all-kinds.ts';
export { type Approval, type ApprovalSpec, approvalKind } from './approval.ts';
export { approvalOf, type PlanDecision } from './approval-of.ts';
export {
  type ArtifactGenerator,
  type ArtifactGeneratorSpec,
  type ArtifactGeneratorStatus,
  artifactGeneratorKind,
} from './artifact-generator.ts';
export {
  type AuditAction,
  type AuditedChange,
  type AuditedObject,
  type AuditedReason,
  type AuditRecord,
  type AuditSink,
  auditActions,
} from './audit.ts';
export { type Bucket, type BucketSpec, type BucketStatus, bucketKind } from './bucket.ts';
export { additionKeyword, type CrossFieldRule } from './builders.ts';
export { maxRejections } from './change-policy.ts';
export { withoutWrongFields, wrongFieldOf } from './check-spec.ts';
export type { Artifact, Condition, IgnoreRule, Selector } from './common.ts';
export {
  type CustomResourceDefinition,
  crdNameOf,
  type OpenApiSchema,
  openApiSchema,
  toCustomResourceDefinition,
} from './crd.ts';
export type {
  ArtifactAnnouncer,
  ArtifactNotice,
  EventSeverity,
  EventSink,
  FluxEvent,
  ObjectReference,
} from './event.ts';
export {
  type ExternalArtifact,
  type ExternalArtifactSpec,
  type ExternalArtifactStatus,
  externalArtifactKind,
} from './external-artifact.ts';
export { type Field, fieldsOf } from './fields.ts';
export {
  type GitRepository,
  type GitRepositorySpec,
  type GitRepositoryStatus,
  gitRepositoryKind,
} from './git-repository.ts';
export {
  type HelmChart,
  type HelmChartSpec,
  type HelmChartStatus,
  helmChartKind,
} from './helm-chart.ts';
export {
  type HelmRelease,
  type HelmReleaseSpec,
  type HelmReleaseStatus,
  helmReleaseKind,
} from './helm-release.ts';
export {
  type HelmRepository,
  type HelmRepositorySpec,
  type HelmRepositoryStatus,
  helmRepositoryKind,
} from './helm-repository.ts';
export {
  apiVersionOf,
  type KindDefinition,
  type KubeObject,
  type ManagedFieldsEntry,
  type ObjectMeta,
  type ObjectOf,
  type OwnerReference,
  type PrinterColumn,
} from './kind.ts';
export {
  type Kustomization,
  type KustomizationSpec,
  type KustomizationStatus,
  kustomizationKind,
} from './kustomization.ts';
export {
  allowPruneAnnotation,
  changesFact,
  commitAuthorFact,
  commitSubjectFact,
  commitTimeFact,
  commitUrlFact,
  componentLabel,
  confirmPruneAnnotation,
  deliveryGroup,
  disabledValue,
  enabledValue,
  eventAnnotationPrefix,
  eventAppVersionKey,
  eventCommitStatusKey,
  eventCommitStatusUpdate,
  eventDigestKey,
  eventOciDigestKey,
  eventOriginRevisionKey,
  eventPlanKey,
  eventRevisionKey,
  eventTokenKey,
  factPrefix,
  finalizer,
  firstFailureFact,
  forceRequestAnnotation,
  generatorFinalizer,
  generatorLabel,
  generatorReconcileAnnotation,
  helmDriftDetectionAnnotation,
  helmGroup,
  helmReleaseNameLabel,
  helmReleaseNamespaceLabel,
  instanceLabel,
  kustomizationNameLabel,
  kustomizationNamespaceLabel,
  kustomizeDecryptAnnotation,
  kustomizeForceAnnotation,
  kustomizeGroup,
  kustomizePruneAnnotation,
  kustomizeReconcileAnnotation,
  kustomizeSsaAnnotation,
  kustomizeSubstituteAnnotation,
  notificationGroup,
  ociCreatedKey,
  ociOriginRevisionKey,
  ociOriginSourceKey,
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  partOfFlux,
  partOfLabel,
  pruneOrderAnnotation,
  reconcileRequestAnnotation,
  replayDeadLettersAnnotation,
  resetRequestAnnotation,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
  shardLabel,
  snapshotTargetLabel,
  sourceExtensionsGroup,
  sourceGroup,
  sourceRevisionFact,
  sourceUrlFact,
  suspendByAnnotation,
  suspendReasonAnnotation,
  suspendUntilAnnotation,
  versionLabel,
  watchLabel,
  watchLabelEnabled,
} from './names.ts';
export { isApiVersion, isKindName, isNamespaceName, isObjectName } from './object-names.ts';
export {
  type OCIRepository,
  type OCIRepositorySpec,
  type OCIRepositoryStatus,
  ociRepositoryKind,
} from './oci-repository.ts';
export {
  type Plan,
  type PlannedChange,
  type PlannedObject,
  type PlanSpec,
  planKind,
} from './plan.ts';
export {
  type Provider,
  type ProviderSpec,
  type ProviderStatus,
  providerKind,
  providerTypes,
} from './provider.ts';
export {
  type Receiver,
  type ReceiverSpec,
  type ReceiverStatus,
  receiverKind,
  receiverTypes,
} from './receiver.ts';
export { type Snapshot, type SnapshotSpec, snapshotKind } from './snapshot.ts';
export { type Window, type WindowSpec, windowKind } from './window.ts';
