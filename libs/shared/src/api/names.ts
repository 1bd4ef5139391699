/** Asks for a reconciliation: any new value starts one, and `status.lastHandledReconcileAt` repeats it. */
export const reconcileRequestAnnotation = 'reconcile.fluxcd.io/requestedAt';
/** Asks for a forced Helm install or upgrade; holds the same value as the reconcile request. */
export const forceRequestAnnotation = 'reconcile.fluxcd.io/forceAt';
/** Asks for the failure counters of a HelmRelease to be cleared; same value as the reconcile request. */
export const resetRequestAnnotation = 'reconcile.fluxcd.io/resetAt';

/** Label of Secrets and ConfigMaps whose changes start a reconciliation of the objects which use them. */
export const watchLabel = 'reconcile.fluxcd.io/watch';
/** Value of {@link watchLabel} that switches the watch on. */
export const watchLabelEnabled = 'Enabled';
/** Label that assigns an object to a controller shard. */
export const shardLabel = 'sharding.fluxcd.io/key';

/** Finalizer by which every controller holds an object until its cleanup is done. */
export const finalizer = 'finalizers.fluxcd.io';

/** API groups. */
export const sourceGroup = 'source.toolkit.fluxcd.io';
export const sourceExtensionsGroup = 'source.extensions.fluxcd.io';
export const kustomizeGroup = 'kustomize.toolkit.fluxcd.io';
export const helmGroup = 'helm.toolkit.fluxcd.io';
export const notificationGroup = 'notification.toolkit.fluxcd.io';
/** Kinds of change control, which Flux does not have. */
export const deliveryGroup = 'delivery.sluice.dev';

/** Labels that name the Kustomization owning an applied object. */
export const kustomizationNameLabel = `${kustomizeGroup}/name`;
export const kustomizationNamespaceLabel = `${kustomizeGroup}/namespace`;
/** Labels that name the HelmRelease owning an applied object. */
export const helmReleaseNameLabel = `${helmGroup}/name`;
export const helmReleaseNamespaceLabel = `${helmGroup}/namespace`;

/** On a managed object: `disabled` takes it out of reconciliation. */
export const kustomizeReconcileAnnotation = `${kustomizeGroup}/reconcile`;
/** On a managed object: `disabled` keeps it from being pruned. */
export const kustomizePruneAnnotation = `${kustomizeGroup}/prune`;
/** On a managed object: `enabled` recreates it when an immutable field changes. */
export const kustomizeForceAnnotation = `${kustomizeGroup}/force`;
/** On a managed object: how it is applied, one of Override, Merge, IfNotPresent, Ignore. */
export const kustomizeSsaAnnotation = `${kustomizeGroup}/ssa`;
/** On a managed object: `disabled` leaves variables in it alone. */
export const kustomizeSubstituteAnnotation = `${kustomizeGroup}/substitute`;
/** On a generated Secret: `disabled` keeps its data from being decrypted. */
export const kustomizeDecryptAnnotation = `${kustomizeGroup}/decrypt`;
/** On an ArtifactGenerator: `disabled` suspends it. */
export const generatorReconcileAnnotation = `${sourceExtensionsGroup}/reconcile`;
/** On an ExternalArtifact: the UID of the ArtifactGenerator that made it. */
export const generatorLabel = `${sourceExtensionsGroup}/generator`;
/** Finalizer by which an ArtifactGenerator is held until what it made is gone. */
export const generatorFinalizer = `${sourceExtensionsGroup}/finalizer`;

/** On a chart's object: `disabled` takes it out of drift detection. */
export const helmDriftDetectionAnnotation = `${helmGroup}/driftDetection`;

/** On a suspended object: why. */
export const suspendReasonAnnotation = 'suspend.sluice.dev/reason';
/** On a suspended object: by whom. */
export const suspendByAnnotation = 'suspend.sluice.dev/by';
/** On a suspended object: the time at which it is resumed, such as `2026-01-31T18:00:00Z`. */
export const suspendUntilAnnotation = 'suspend.sluice.dev/until';

/**
 * On a Kustomization or HelmRelease: names what it may delete although that is protected, as `<Kind>/<name>`, separated by
 * commas.
 */
export const allowPruneAnnotation = 'prune.sluice.dev/allow';
/**
 * On an object that is applied: with any value but `disabled` it is deleted only once {@link allowPruneAnnotation} of its
 * owner names it.
 */
export const confirmPruneAnnotation = 'prune.sluice.dev/confirm';
/** On a Kustomization or HelmRelease: `disabled` has it deleted without waiting for what depends on it. */
export const pruneOrderAnnotation = 'prune.sluice.dev/order';

/** On a Snapshot: `metadata.uid` of the object that it is of. */
export const snapshotTargetLabel = 'delivery.sluice.dev/target-uid';

/** On a Kustomization or HelmRelease: digest of the plan that is applied in spite of windows, approvals and guards. */
export const overridePlanAnnotation = 'delivery.sluice.dev/override-plan';
/** Beside {@link overridePlanAnnotation}: why. */
export const overrideReasonAnnotation = 'delivery.sluice.dev/override-reason';
/** Beside {@link overridePlanAnnotation}: by whom. */
export const overrideByAnnotation = 'delivery.sluice.dev/override-by';

/**
 * On a Kustomization or HelmRelease: any new value asks for what was healthy before the present change, once, and
 * `status.rollback.requestedAt` repeats it.
 */
export const rollbackRequestAnnotation = 'delivery.sluice.dev/rollback-requested-at';
/**
 * Beside {@link rollbackRequestAnnotation}: what is to be undone, `status.change.digest` of a Kustomization or the newest
 * release of a HelmRelease as `<namespace>/<name>.v<version>`.
 */
export const rollbackFromAnnotation = 'delivery.sluice.dev/rollback-from';
/** Beside {@link rollbackRequestAnnotation}: why. */
export const rollbackReasonAnnotation = 'delivery.sluice.dev/rollback-reason';
/** Beside {@link rollbackRequestAnnotation}: by whom. */
export const rollbackByAnnotation = 'delivery.sluice.dev/rollback-by';

/**
 * On a Provider: any new value has its dead letters delivered again, and `status.lastHandledReplayAt` repeats it. Needs
 * no reconcile request beside it.
 */
export const replayDeadLettersAnnotation = 'notification.sluice.dev/replay-dead-letters';

/** Value of the managed-object annotations above that switches a behaviour off. */
export const disabledValue = 'disabled';
/** Value of the managed-object annotations above that switches a behaviour on. */
export const enabledValue = 'enabled';

/** Object annotations with this prefix are copied into the metadata of the object's events. */
export const eventAnnotationPrefix = 'event.toolkit.fluxcd.io/';

/** Keys of event metadata, each prefixed by the API group of the involved object and a slash. */
export const eventRevisionKey = 'revision';
export const eventOriginRevisionKey = 'originRevision';
export const eventDigestKey = 'digest';
export const eventTokenKey = 'token';
/** Digest of the plan that waits, by which an Approval names it. */
export const eventPlanKey = 'plan';
export const eventOciDigestKey = 'oci-digest';
export const eventAppVersionKey = 'app-version';
export const eventCommitStatusKey = 'commit_status';
/** Value of the commit status key that asks for the status of the commit to be written. */
export const eventCommitStatusUpdate = 'update';

/** OCI annotations that carry the origin of an artifact; also keys of `status.artifact.metadata`. */
export const ociOriginRevisionKey = 'org.opencontainers.image.revision';
/** OCI annotation that says when an artifact was made. */
export const ociCreatedKey = 'org.opencontainers.image.created';
export const ociOriginSourceKey = 'org.opencontainers.image.source';

/**
 * Prefix of facts about content and its origin: in `status.artifact.metadata`, and in the metadata of events, where only
 * our notification-controller looks at them.
 */
export const factPrefix = 'facts.sluice.dev/';
/** Facts, each behind {@link factPrefix}. About the Git commit that the content is of: */
export const commitAuthorFact = 'commitAuthor';
/** When it was committed, in RFC 3339; of artifacts only. */
export const commitTimeFact = 'commitTime';
export const commitSubjectFact = 'commitSubject';
export const sourceUrlFact = 'sourceURL';
export const sourceRevisionFact = 'sourceRevision';
/** Made of the two before it. */
export const commitUrlFact = 'commitURL';
/** About what an event tells: the first object that failed and why, and which fields of which objects were changed. */
export const firstFailureFact = 'firstFailure';
export const changesFact = 'changes';

/** Label that says which distribution an object of the installation belongs to. */
export const partOfLabel = 'app.kubernetes.io/part-of';
/** Value of {@link partOfLabel} that existing clients look for. */
export const partOfFlux = 'flux';
/** Label with the version of the installation. */
export const versionLabel = 'app.kubernetes.io/version';
/** Label with the name of the installation. */
export const instanceLabel = 'app.kubernetes.io/instance';
/** Label with the component an object belongs to. */
export const componentLabel = 'app.kubernetes.io/component';
