/** Reasons of failures. */
export const pullFailedReason = 'OCIArtifactPullFailed';
export const layerFailedReason = 'OCIArtifactLayerOperationFailed';
export const readFailedReason = 'ReadOperationFailed';
