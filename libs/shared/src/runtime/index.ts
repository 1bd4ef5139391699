export { type ApplierEnvironment, applierEnvironment, applierFlags } from './applier-flags.ts';
export {
  commonFlags,
  type LeaderElectionSettings,
  leaderElectionSettings,
  parseFeatureGates,
} from './common-flags.ts';
export {
  apiTime,
  conditionsOf,
  findCondition,
  isReady,
  isSuspended,
  progressingReason,
  progressingWithRetryReason,
  readyCondition,
  reconcilingCondition,
  stalledCondition,
} from './conditions.ts';
export { type ConfigWatch, createConfigWatch } from './config-watch.ts';
export { type Controller, type ControllerOptions, createController } from './controller.ts';
export {
  type Dependant,
  Dependencies,
  type DependenciesOptions,
  type DependencyReference,
} from './dependencies.ts';
export { DependencyIndex } from './depends-on.ts';
export { createEventRecorder, fluxEvent } from './events.ts';
export { fencedClient } from './fenced-client.ts';
export { addFinalizer, hasFinalizer, removeFinalizer } from './finalizer.ts';
export { parseAddress, type RunningServer, startHttpServer } from './http-server.ts';
export { createLeaderElector, type LeaderElector, type LeaderElectorOptions } from './leader.ts';
export { LeadershipLostError } from './leadership.ts';
export { letGo } from './let-go.ts';
export { type ManagerContext, type ManagerOptions, runManager } from './manager.ts';
export { type ControllerMetrics, createMetrics, type Metrics } from './metrics.ts';
export { isMovedFrom, type Owners } from './moved.ts';
export { apiRequestFailedReason, internalErrorReason } from './outcome.ts';
export { reasonToReconcile } from './predicates.ts';
export { type ReadyCheck, startMetricsServer, startProbes } from './probes.ts';
export type { Queue, QueueItem, QueueObserver } from './queue.ts';
export { type UnreadyDependency, unreadyDependencies, whyUnready } from './readiness.ts';
export {
  done,
  type EventInput,
  type EventRecorder,
  type Outcome,
  type Priority,
  type ReconcileContext,
  type Reconciler,
  type ReconcileSpan,
  retry,
  type StatusChanges,
  type StatusDraft,
  type StatusOf,
  waiting,
} from './reconciler.ts';
export { invalidIntervalReason } from './requeue-times.ts';
export { leaseName, shardSelector } from './shard.ts';
export {
  createSources,
  type SourceKind,
  type SourceObject,
  type Sources,
  sourceId,
} from './sources.ts';
export { createStatusDraft, ObjectGoneError } from './status-patch.ts';
export type { TokenCacheMetrics, TokenUser } from './token-cache-metrics.ts';
export { initTracing, type Tracing } from './tracing.ts';
export {
  artifactTraceparent,
  currentTraceparent,
  requestAnnotations,
  requestedTraceparent,
  type SpanAttributes,
  type SpanOptions,
  traceparentAnnotation,
  withSpan,
  withTrace,
  withTraceparent,
} from './tracing-api.ts';
export { type AddOptions, createWorkQueue, type WorkQueue } from './workqueue.ts';
