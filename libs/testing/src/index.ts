export { type Alertmanager, type ReceivedAlert, startAlertmanager } from './alertmanager.ts';
export { answerBomb, type BombServer, kubeconfigFor, startBombServer } from './answer-bomb.ts';
export {
  type ApplierBed,
  type ApplierBedOptions,
  conditionOf,
  startApplierBed,
} from './applier-bed.ts';
export { type ArtifactFile, type ArtifactSource, startArtifactSource } from './artifact-source.ts';
export { type AuditedRequest, auditedRequests } from './audit.ts';
export { type AzureStore, azuriteIsMissing, startAzureStore } from './azure-store.ts';
export { type Canary, startCanary } from './canary.ts';
export {
  type CertificateAuthority,
  type CertificatePair,
  createCertificateAuthority,
} from './certificates.ts';
export {
  type ChangeStory,
  type ChangeStoryOptions,
  type ControlledKind,
  killingOperations,
  type StoryOperation,
  storyOperations,
} from './change-story.ts';
export {
  createNamespace,
  releaseTestCluster,
  type TestCluster,
  testCluster,
  testNamespace,
} from './cluster.ts';
export { compileCacheEnvironment } from './compile-cache.ts';
export { type ConnectProxy, startConnectProxy } from './connect-proxy.ts';
export { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
export {
  type ControllerName,
  ControllerProcess,
  type Controllers,
  type ControllersOptions,
  controllerNames,
  type ProgramName,
  startControllers,
} from './controllers.ts';
export { type Counter, type CounterKind, counterKind } from './counters.ts';
export { installCrds } from './crds.ts';
export { EventLog } from './event-log.ts';
export { finishJob } from './finish-job.ts';
export { type Addresses, type FluxName, fluxController } from './flux-controller.ts';
export {
  type CommitOptions,
  createGitRepository,
  type GitFile,
  type GitRepository,
  gitEnvironment,
} from './git-repository.ts';
export {
  type GitRequest,
  type GitServer,
  type GitServerOptions,
  startGitServer,
} from './git-server.ts';
export { type GoogleStore, googleStoreIsMissing, startGoogleStore } from './google-store.ts';
export { whyNoGpg } from './gpg.ts';
export { temporaryFolder } from './guard.ts';
export {
  type ChartContent,
  type HelmServer,
  type HelmServerOptions,
  runHelm,
  startHelmServer,
} from './helm-server.ts';
export type { ServerAuth } from './http-auth.ts';
export {
  type Death,
  type KillProxy,
  type Moment,
  type ProxiedCall,
  startKillProxy,
} from './kill-proxy.ts';
export {
  idleFlags,
  type KilledController,
  startKilledController,
} from './killed-controller.ts';
export { type KilledPhase, killedPhases } from './killed-phases.ts';
export { LateWatch } from './late-watch.ts';
export {
  artifactsOnly,
  localDispatcher,
  localNetwork,
  localNetworkFlags,
} from './local-network.ts';
export { type LoggingNode, startLoggingNode } from './logging-node.ts';
export { type NatsOptions, type NatsServer, startNats } from './nats.ts';
export { type ObjectStore, startObjectStore } from './object-store.ts';
export { openWatches } from './open-watches.ts';
export { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';
export { PhaseStory, type PhaseStoryOptions, repeatedRecords } from './phase-story.ts';
export {
  type LocalImagesOptions,
  localImages,
  type Pod,
  type PodImage,
  type PodNode,
  type PodNodeOptions,
  podsCannotRun,
  type RunningPod,
  repositoryName,
  startPodNode,
} from './pods/index.ts';
export { freePorts } from './ports.ts';
export { type Registry, type RegistryOptions, startRegistry } from './registry.ts';
export type { ArtifactLayer, Descriptor, PushOptions } from './registry-push.ts';
export {
  labelNodes,
  type RestrictedCluster,
  startRestrictedCluster,
} from './restricted-cluster.ts';
export { type ServerOptions, ServerProcess } from './server-process.ts';
export {
  type Cosign,
  type CosignFormat,
  cosignIsMissing,
  type Notation,
  type NotationFormat,
  startCosign,
  startNotation,
  tokenOf,
} from './signing.ts';
export { type Sigstore, startSigstore } from './sigstore.ts';
export { type SocksProxy, type SocksProxyOptions, startSocksProxy } from './socks-proxy.ts';
export { type SshSocksProxy, startSshSocksProxy } from './ssh-proxy.ts';
export {
  makeSshKey,
  type SshGitServer,
  startSshGitServer,
  whyNoSshServer,
} from './ssh-server.ts';
export { type Asked, standInDispatcher, standInFor, standInHeader } from './stand-in.ts';
export { assertStatusContract } from './status-contract.ts';
export { tellChangeStory } from './tell-change-story.ts';
export {
  changeTenant,
  controllerAccount,
  type TenantRule,
  tenantAccount,
} from './tenant-account.ts';
export { missingTool, toolPath } from './tool-path.ts';
export { type ReceivedSpan, receiveTraces, type TraceReceiver } from './traces.ts';
export { startTrustingCluster, type TrustingCluster } from './trusting-cluster.ts';
export { type UntilOptions, until, untilGone } from './until.ts';
export { type Usage, usageOf } from './usage.ts';
export {
  type ReceivedRequest,
  receiveWebhooks,
  type WebhookReceiver,
  type WebhookReply,
} from './webhooks.ts';
