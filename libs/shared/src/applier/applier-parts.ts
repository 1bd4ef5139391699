import { type KindDefinition, wrongFieldOf } from '@sluice/shared/api';
import { type FlagValues, type Logger, systemClock } from '@sluice/shared/base';
import {
  type Applier,
  type ApplierIdentity,
  Clusters,
  createHealer,
  DriftBackoff,
  type HealDrift,
  type Inventories,
} from '@sluice/shared/engine';
import {
  createInformer,
  type Indexers,
  type Informer,
  keyOf,
  resourceOf,
  type TenantClients,
} from '@sluice/shared/kube';
import {
  type AuthorizeDownload,
  createArtifactDispatcher,
  createAuthorizeDownload,
  type Dispatcher,
} from '@sluice/shared/net';
import { type ControllerOptions, shardSelector } from '@sluice/shared/runtime';
import { createSources, type SourceKind, type Sources } from '@sluice/shared/service';
import type { ApplierEnvironment, applierFlags } from './applier-flags.ts';
import type { ApplierDoors } from './applier-service.ts';
import { type Audit, noAudit } from './audit/audit.ts';
import { recordSuspensions } from './audit/record-suspension.ts';
import { Approvals } from './change/approvals.ts';
import { ChangeControl } from './change/change-control.ts';
import { defaultGuardOf } from './change/prune-guard.ts';
import { Windows, type WindowsOptions } from './change/windows/windows.ts';
import { type ConfigWatch, createConfigWatch } from './config-watch.ts';
import { type ApplierLogins, createTenants } from './create-tenants.ts';
import { DependencyWatch } from './dependency-watch.ts';
import { createDeploymentMetrics, type DeploymentMetrics } from './deployment-metrics.ts';
import { createDriftMetrics, type DriftMetrics } from './drift-metrics.ts';
import { isMovedFrom, type OwnerLookup } from './moved.ts';

/** What the parts are configured by. */
export interface ApplierConfig extends ApplierEnvironment {
  flags: FlagValues<typeof applierFlags>;
  gates: {
    AdditiveCELDependencyCheck: boolean;
    DisableConfigWatchers: boolean;
    ObjectLevelWorkloadIdentity: boolean;
  };
}

/** What a process remembers of the objects of one kind, as far as the parts look at it. */
export interface ApplierStates {
  /** Objects of an owner that differ now, and stay so. */
  peek(owner: string): { reported: { size: number } } | undefined;
  forget(owner: string): void;
}

/** What differs from one kind to the other. */
export interface ApplierKind<T extends Applier> {
  kind: KindDefinition<T>;
  indexes: Indexers<T>;
  /** As what its objects apply. */
  identity: ApplierIdentity;
  sourceKinds: readonly SourceKind[];
  states: ApplierStates;
  /** The source whose artifact an object deploys. */
  sourceOf(object: T): { kind: SourceKind; namespace: string; name: string } | undefined;
  /** Says what each object of the kind has. */
  inventoriesOf(informer: Informer<T>): Inventories;
}

/** How artifacts are downloaded. */
export interface DownloadOptions {
  httpRetries: number;
  logger: Logger;
  dispatcher: Dispatcher;
  resolveUrl?: (url: string) => string;
  authorize: AuthorizeDownload;
}

/** What kustomize- and helm-controller are both made of. */
export interface ApplierParts<T extends Applier> {
  informer: Informer<T>;
  sources: Sources;
  dependencies: DependencyWatch;
  /** Undefined when Secrets and ConfigMaps are not to be watched. */
  configs: ConfigWatch | undefined;
  changes: ChangeControl;
  inventories: Inventories;
  clusters: Clusters;
  healDrift: HealDrift;
  audit: Audit;
  download: DownloadOptions;
  logins: ApplierLogins;
  /** Of the controller, but for its reconciler. */
  controller: Omit<ControllerOptions<T>, 'reconciler'>;
  /** Starts the watches. Resolves once those of sources, Approvals and Windows know everything. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends the watches, then the connections of tenants and of downloads. */
  stop(): Promise<void>;
}

/** A controller outside of the cluster reaches source-controller by another address than artifacts name. */
function downloadOf(
  { flags, sourceControllerLocalhost: host }: ApplierConfig,
  { logger, dispatcher }: { logger: Logger; dispatcher: Dispatcher },
): DownloadOptions {
  return {
    httpRetries: flags['http-retry'],
    logger,
    dispatcher,
    authorize: createAuthorizeDownload(flags),
    ...(host !== undefined && {
      resolveUrl: (url: string) => Object.assign(new URL(url), { host }).href,
    }),
  };
}

function informerOf<T extends Applier>(
  { flags, namespace }: ApplierConfig,
  { client, logger, metrics }: ApplierDoors,
  { kind, indexes }: ApplierKind<T>,
): Informer<T> {
  return createInformer<T>({
    client,
    resource: resourceOf(kind as KindDefinition),
    check: (object) => wrongFieldOf(kind as KindDefinition, object),
    monitor: metrics.watches,
    indexes,
    logger,
    ...shardSelector({
      watchLabelSelector: flags['watch-label-selector'],
      watchAllNamespaces: flags['watch-all-namespaces'],
      namespace,
    }),
  });
}

function controllerOf<T extends Applier>(
  { flags }: ApplierConfig,
  { client, events, metrics, logger, clock, audit = noAudit }: ApplierDoors,
  informer: Informer<T>,
): ApplierParts<T>['controller'] {
  return {
    onSuspension: recordSuspensions(audit),
    client,
    events,
    metrics,
    logger,
    ...(clock && { clock }),
    informer,
    concurrency: flags.concurrent,
    minRetryDelayMs: flags['min-retry-delay'],
    maxRetryDelayMs: flags['max-retry-delay'],
    intervalJitterPercentage: flags['interval-jitter-percentage'],
    leastIntervalMs: flags['least-interval'],
    dependencyRequeueMs: flags['requeue-dependency'],
  };
}

function clustersOf(
  { flags }: ApplierConfig,
  { client, logger }: ApplierDoors,
  o: { tenants: TenantClients; inventories: Inventories; identity: ApplierIdentity },
): Clusters {
  return new Clusters({
    ...o,
    client,
    logger,
    defaultServiceAccount: flags['default-service-account'],
    defaultKubeConfigServiceAccount: flags['default-kubeconfig-service-account'],
    insecureExec: flags['insecure-kubeconfig-exec'],
    insecureTls: flags['insecure-kubeconfig-tls'],
  });
}

function healerOf<T extends Applier>(
  { kind, identity }: ApplierKind<T>,
  lookup: Omit<OwnerLookup, 'kind' | 'identity'>,
  { count }: DriftMetrics,
): HealDrift {
  const owners = { ...lookup, kind: kind as KindDefinition, identity };
  return createHealer({
    backoff: new DriftBackoff(),
    now: systemClock.now,
    isMoved: (owner, live) => isMovedFrom(owner, live, owners),
    count,
  });
}

/** Counts deployments by what the watch shows of the objects. */
function measureDeployments<T extends Applier>(
  { metrics, clock = systemClock }: ApplierDoors,
  { kind, sourceOf }: ApplierKind<T>,
  { informer, sources }: { informer: Informer<T>; sources: Sources },
): DeploymentMetrics {
  const deployments = createDeploymentMetrics<T>(metrics.registry, {
    kind: kind.kind,
    artifactOf(object) {
      const source = sourceOf(object);
      return source && sources.peek(source.kind, source)?.status?.artifact;
    },
    now: () => clock.now(),
  });
  informer.onEvent(({ type, object }) => {
    if (type !== 'deleted') deployments.seen(object);
  });
  return deployments;
}

function forgetDeleted<T extends Applier>(
  informer: Informer<T>,
  memories: readonly { forget(owner: string): void }[],
): void {
  informer.onEvent(({ type, object }) => {
    if (type !== 'deleted') return;
    for (const memory of memories) memory.forget(keyOf(object));
  });
}

/** What decides about changes. */
function changesOf(
  { flags }: ApplierConfig,
  watch: Omit<WindowsOptions, 'objects' | 'clusterNamespace'>,
  { kind, objects }: { kind: string; objects: WindowsOptions['objects'] },
): ChangeControl {
  const clusterNamespace = flags['cluster-windows-namespace'];
  return new ChangeControl({
    approvals: new Approvals({ ...watch, kind }),
    windows: new Windows({ ...watch, objects, clusterNamespace }),
    defaultPruneGuard: defaultGuardOf(flags),
    clock: systemClock,
  });
}

/** Makes the parts, and starts none of them. */
export function createApplierParts<T extends Applier>(
  config: ApplierConfig,
  doors: ApplierDoors,
  o: ApplierKind<T>,
): ApplierParts<T> {
  const { flags, gates, watchNamespace: namespace } = config;
  const { client, logger, metrics } = doors;
  const watch = { client, logger, namespace, monitor: metrics.watches };
  const informer = informerOf(config, doors, o);
  const { tenants, logins, close } = createTenants(config, doors);
  const dispatcher = createArtifactDispatcher(flags);
  const inventories = o.inventoriesOf(informer);
  const sources = createSources({ ...watch, kinds: o.sourceKinds });
  const labelSelector = flags['watch-configs-label-selector'];
  const configs = gates.DisableConfigWatchers
    ? undefined
    : createConfigWatch({ ...watch, labelSelector });
  const clusters = clustersOf(config, doors, { tenants, inventories, identity: o.identity });
  const dependencies = new DependencyWatch({
    ...watch,
    kind: o.kind.kind,
    informer,
    clientOf: (object, signal) => clusters.localClientOf(object, signal),
    additive: gates.AdditiveCELDependencyCheck,
    noCrossNamespaceRefs: flags['no-cross-namespace-refs'],
  });
  const changes = changesOf(config, watch, { kind: o.kind.kind, objects: informer });
  const drift = createDriftMetrics(metrics.registry, {
    kind: o.kind.kind,
    owners: () => informer.list(),
    open: (owner) => o.states.peek(owner)?.reported.size ?? 0,
  });
  const deployments = measureDeployments(doors, o, { informer, sources });
  const { storedPlans } = changes;
  forgetDeleted(informer, [o.states, clusters, drift, deployments, changes, storedPlans]);
  return {
    informer,
    sources,
    dependencies,
    configs,
    changes,
    inventories,
    clusters,
    audit: doors.audit ?? noAudit,
    healDrift: healerOf(o, { informer, client, inventories }, drift),
    download: downloadOf(config, { logger, dispatcher }),
    logins,
    controller: controllerOf(config, doors, informer),
    async start(signal) {
      configs?.start();
      await Promise.all([sources.start(signal), changes.start(signal)]);
    },
    async stop() {
      const watches = [configs, sources, changes, dependencies, clusters];
      await Promise.all(watches.map((one) => one?.stop()));
      await Promise.all([close(), dispatcher.destroy()]);
    },
  };
}
