import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type HelmRelease,
  helmReleaseKind,
  type KindDefinition,
  wrongFieldOf,
} from '@sluice/shared/api';
import {
  type ApplierDoors,
  createConfigWatch,
  createDriftMetrics,
  createSources,
  Dependencies as DependencyWatch,
} from '@sluice/shared/applier';
import { ArtifactCache } from '@sluice/shared/artifact';
import { type DigestAlgorithm, FairSlots, type Logger } from '@sluice/shared/base';
import { createHelmRenderer, createKustomize } from '@sluice/shared/cli';
import {
  type ApplierIdentity,
  Clusters,
  DriftBackoff,
  type Inventories,
} from '@sluice/shared/engine';
import { createInformer, type Informer, resourceOf, TenantClients } from '@sluice/shared/kube';
import { createArtifactDispatcher, type Dispatcher, networkGuardOf } from '@sluice/shared/net';
import { type Controller, shardSelector } from '@sluice/shared/runtime';
import { helmIdentity } from './action/identity.ts';
import { ChartCache } from './chart/acquire.ts';
import type { HelmConfig } from './config.ts';
import { createHelmReleaseController, helmReleaseIndexes } from './helm-release/controller.ts';
import { createInventories } from './helm-release/inventories.ts';
import { createReleaseWatch } from './helm-release/release-watch.ts';
import type { Dependencies, HelmReleaseSettings } from './helm-release/run.ts';
import { HelmReleaseStates } from './helm-release/state.ts';
import { createHelmReleaseMetrics } from './metrics.ts';
import { createReleaseCache } from './release/storage.ts';
import { createDiscovery } from './render/discovery.ts';
import { createKindsWatch } from './render/kinds-watch.ts';
import { createRenderer, type Renderer } from './render/renderer.ts';

const mebibyte = 1024 * 1024;
/** Files of values are small; their sources may not be. */
const valuesCacheBytes = 256 * mebibyte;

/** The running service. */
export interface HelmController {
  controller: Controller<HelmRelease>;
  /** Resolves when everything has ended after the signal aborted. */
  ended: Promise<void>;
}

function settingsOf({ flags, gates }: HelmConfig): HelmReleaseSettings {
  return {
    concurrentApplies: flags['concurrent-apply'],
    noCrossNamespaceRefs: flags['no-cross-namespace-refs'],
    identity: helmIdentity(flags['override-manager']),
    // The flag takes no other values.
    digestAlgorithm: flags['snapshot-digest-algo'] as DigestAlgorithm,
    externalArtifacts: gates.ExternalArtifact,
    retryByDefault: gates.DefaultToRetryOnFailure,
    allowDnsLookups: gates.AllowDNSLookups,
    helm3Defaults: gates.UseHelm3Defaults,
  };
}

function createRendering({ flags }: HelmConfig): Renderer {
  return createRenderer({
    helm: createHelmRenderer({
      program: flags['helm-renderer'],
      maxRssBytes: flags['helm-memory-limit'] * mebibyte,
    }),
    kustomize: createKustomize({ binary: flags['kustomize-builder'] }),
    discovery: createDiscovery(),
  });
}

function createCaches(
  config: HelmConfig,
  { logger, dispatcher }: { logger: Logger; dispatcher: Dispatcher },
) {
  const { flags, sourceControllerLocalhost: host } = config;
  const dir = flags['work-path'];
  const download = {
    httpRetries: flags['http-retry'],
    httpTimeoutMs: flags['http-timeout'],
    logger,
    dispatcher,
    ...(host !== undefined && {
      resolveUrl: (url: string) => Object.assign(new URL(url), { host }).href,
    }),
  };
  return {
    charts: new ChartCache({
      ...download,
      dir: join(dir, 'charts'),
      maxBytes: flags['chart-cache-size'] * mebibyte,
      trackDigests: !config.gates.DisableChartDigestTracking,
    }),
    artifacts: new ArtifactCache({
      ...download,
      dir: join(dir, 'artifacts'),
      maxBytes: valuesCacheBytes,
    }),
    releases: createReleaseCache(flags['release-cache-size'] * mebibyte),
  };
}

function createClusters(
  { flags }: HelmConfig,
  { client, logger }: ApplierDoors,
  o: { tenants: TenantClients; identity: ApplierIdentity; inventories: Inventories },
) {
  const { tenants, identity, inventories } = o;
  return new Clusters({
    client,
    tenants,
    identity,
    inventories,
    defaultServiceAccount: flags['default-service-account'],
    defaultKubeConfigServiceAccount: flags['default-kubeconfig-service-account'],
    insecureExec: flags['insecure-kubeconfig-exec'],
    insecureTls: flags['insecure-kubeconfig-tls'],
    logger,
  });
}

function createDependencies(
  config: HelmConfig,
  doors: ApplierDoors,
  o: {
    informer: Informer<HelmRelease>;
    tenants: TenantClients;
    dispatcher: Dispatcher;
  },
): Dependencies {
  const { client, logger } = doors;
  const { informer, tenants } = o;
  const settings = settingsOf(config);
  const states = new HelmReleaseStates();
  const inventories = createInventories(informer, states);
  const namespace = config.watchNamespace;
  return {
    ...createCaches(config, { logger, dispatcher: o.dispatcher }),
    settings,
    renderer: createRendering(config),
    releaseWatch: createReleaseWatch({ client, logger, namespace, monitor: doors.metrics.watches }),
    states,
    sources: createSources({
      monitor: doors.metrics.watches,
      client,
      logger,
      namespace,
      kinds: ['HelmChart', 'OCIRepository', 'ExternalArtifact', 'GitRepository', 'Bucket'],
    }),
    helmReleases: informer,
    dependencies: new DependencyWatch({
      monitor: doors.metrics.watches,
      kind: 'HelmRelease',
      informer,
      client,
      logger,
      namespace,
      additive: config.gates.AdditiveCELDependencyCheck,
      noCrossNamespaceRefs: settings.noCrossNamespaceRefs,
    }),
    inventories,
    clusters: createClusters(config, doors, {
      tenants,
      identity: settings.identity,
      inventories,
    }),
    backoff: new DriftBackoff(),
    metrics: createHelmReleaseMetrics(
      doors.metrics.registry,
      createDriftMetrics(doors.metrics.registry, {
        kind: 'HelmRelease',
        owners: () => informer.list(),
        open: (owner) => states.peek(owner)?.reported.size ?? 0,
      }),
    ),
    slots: FairSlots.withOneSpare(config.flags.concurrent),
    revisit: () => undefined,
  };
}

function informerOf({ flags, namespace }: HelmConfig, { client, logger, metrics }: ApplierDoors) {
  return createInformer<HelmRelease>({
    client,
    resource: resourceOf(helmReleaseKind),
    check: (object) => wrongFieldOf(helmReleaseKind as KindDefinition, object),
    monitor: metrics.watches,
    indexes: helmReleaseIndexes,
    logger,
    ...shardSelector({
      watchLabelSelector: flags['watch-label-selector'],
      watchAllNamespaces: flags['watch-all-namespaces'],
      namespace,
    }),
  });
}

function configWatchOf(config: HelmConfig, { client, logger, metrics }: ApplierDoors) {
  if (config.gates.DisableConfigWatchers) return undefined;
  const labelSelector = config.flags['watch-configs-label-selector'];
  const monitor = metrics.watches;
  return createConfigWatch({
    client,
    logger,
    labelSelector,
    namespace: config.watchNamespace,
    monitor,
  });
}

/**
 * Starts the service: its watches, then its reconciles.
 *
 * @returns once the watches of sources know everything
 */
export async function startHelmController(
  config: HelmConfig,
  doors: ApplierDoors,
  signal: AbortSignal,
): Promise<HelmController> {
  const { flags } = config;
  mkdirSync(flags['work-path'], { recursive: true, mode: 0o700 });
  const informer = informerOf(config, doors);
  const tenants = new TenantClients({
    guard: networkGuardOf(flags),
    clientOptions: { onRequest: doors.metrics.apiRequest },
  });
  const dispatcher = createArtifactDispatcher(flags);
  const deps = createDependencies(config, doors, { informer, tenants, dispatcher });
  const configs = configWatchOf(config, doors);
  const controller = createHelmReleaseController({
    ...doors,
    deps,
    informer,
    configs,
    concurrency: flags.concurrent,
    minRetryDelayMs: flags['min-retry-delay'],
    maxRetryDelayMs: flags['max-retry-delay'],
    intervalJitterPercentage: flags['interval-jitter-percentage'],
    leastIntervalMs: flags['least-interval'],
    dependencyRequeueMs: flags['requeue-dependency'],
    drainMs: flags['graceful-shutdown-timeout'],
  });
  const { client, logger } = doors;
  const kinds = createKindsWatch({ client, logger, onChange: () => deps.renderer.invalidate() });
  kinds.start();
  configs?.start();
  deps.releaseWatch.start();
  await deps.sources.start(signal);
  const run = async () => {
    try {
      await controller.run(signal);
    } finally {
      await deps.states.stop();
      await Promise.all([configs?.stop(), deps.releaseWatch.stop(), kinds.stop()]);
      await Promise.all([deps.sources.stop(), deps.dependencies.stop(), deps.clusters.stop()]);
      await Promise.all([tenants.close(), deps.charts.close(), deps.artifacts.close()]);
      await deps.renderer.close();
      await dispatcher.destroy();
    }
  };
  return { controller, ended: run() };
}
