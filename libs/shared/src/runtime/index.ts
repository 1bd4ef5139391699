export { readAuthentication } from './authenticate/accounts.ts';
export { createJudge, type JudgeToken } from './authenticate/judge-token.ts';
export {
  createTokenReviewer,
  ReviewUnavailableError,
  TooManyTokensError,
} from './authenticate/review-token.ts';
export { createTokenGate, type TokenGate } from './authenticate/token-gate.ts';
export { commonFlags, leaderElectionSettings, parseFeatureGates } from './common-flags.ts';
export { type Controller, type ControllerOptions, createController } from './controller.ts';
export { type CreatedApproval, createApproval } from './create-approval.ts';
export { DependencyIndex } from './dependency-index.ts';
export { hasFinalizer } from './finalizer.ts';
export { letGo } from './let-go.ts';
export { type ManagerContext, runManager } from './manager.ts';
export { createEventRecorder } from './observe/events.ts';
export { parseAddress, type RunningServer, startHttpServer } from './observe/http-server.ts';
export { createMetrics, type Metrics } from './observe/metrics.ts';
export type { ReadyCheck } from './observe/probes.ts';
export { RecentMap } from './observe/recent.ts';
export { TokenBucket } from './observe/token-bucket.ts';
export type { TokenCacheMetrics, TokenUser } from './observe/token-cache-metrics.ts';
export { initTracing } from './observe/tracing.ts';
export {
  artifactTraceparent,
  currentTraceparent,
  requestAnnotations,
  withoutTrace,
  withSpan,
  withTrace,
} from './observe/tracing-api.ts';
export { invalidSpecReason } from './queue/requeue-times.ts';
export { createWorkQueue } from './queue/workqueue.ts';
export {
  done,
  type EventRecorder,
  failed,
  type Outcome,
  type Priority,
  type ReconcileContext,
  type Reconciler,
  retry,
  type StatusChanges,
  type StatusDraft,
  stalled,
  waiting,
} from './reconciler.ts';
export { leaseName, shardSelector } from './shard.ts';
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
} from './status/conditions.ts';
export { whyUnready } from './status/readiness.ts';
export { createStatusDraft, ObjectGoneError, statusPatch } from './status/status-patch.ts';
export { WrittenObjects } from './status/written-objects.ts';
export type { SuspensionChange, SuspensionListener } from './suspension.ts';
