/** Name of this service, in field managers, events and leases. */
export const controllerName = 'source-controller';

/** Condition types of sources besides those that every kind has. */
export const artifactInStorageCondition = 'ArtifactInStorage';
export const artifactOutdatedCondition = 'ArtifactOutdated';
export const buildFailedCondition = 'BuildFailed';
export const fetchFailedCondition = 'FetchFailed';
export const includeUnavailableCondition = 'IncludeUnavailable';
export const storageOperationFailedCondition = 'StorageOperationFailed';
export const sourceVerifiedCondition = 'SourceVerified';

/** Conditions that are there only while something is wrong. */
export const failureConditions = [
  buildFailedCondition,
  fetchFailedCondition,
  includeUnavailableCondition,
  storageOperationFailedCondition,
] as const;

export type FailureCondition = (typeof failureConditions)[number];

/** Reasons of conditions and events. */
export const succeededReason = 'Succeeded';
export const newArtifactReason = 'NewArtifact';
export const newRevisionReason = 'NewRevision';
export const newChartReason = 'NewChart';
export const urlInvalidReason = 'URLInvalid';
export const invalidReferenceReason = 'InvalidReference';
export const authenticationFailedReason = 'AuthenticationFailed';
export const verificationErrorReason = 'VerificationError';
export const featureGateReason = 'FeatureGateDisabled';
export const archiveFailedReason = 'ArchiveOperationFailed';
export const storageFailedReason = 'StorageOperationFailed';
