/** Name of this service, in field managers, events and leases. */
export const controllerName = 'source-watcher';

/** Reasons of conditions and events. */
export const succeededReason = 'Succeeded';
export const validationFailedReason = 'ValidationFailed';
export const sourceFetchFailedReason = 'SourceFetchFailed';
export const buildFailedReason = 'BuildFailed';
export const reconciliationFailedReason = 'ReconciliationFailed';

/** Label of the outputs that names this service. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
