import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type KindDefinition,
  type Kustomization,
  kustomizationKind,
  wrongFieldOf,
} from '@sluice/shared/api';
import {
  type ApplierDoors,
  type ConfigWatch,
  createConfigWatch,
  createDriftMetrics,
  createSources,
  Dependencies as DependencyWatch,
} from '@sluice/shared/applier';
import { ArtifactCache } from '@sluice/shared/artifact';
import { LruBytes } from '@sluice/shared/base';
import { onArtifacts } from '@sluice/shared/bus';
import { createKustomize, createSops, createSpawner, type Spawner } from '@sluice/shared/cli';
import { Clusters, DriftBackoff } from '@sluice/shared/engine';
import { createInformer, type Informer, resourceOf, TenantClients } from '@sluice/shared/kube';
import { createArtifactDispatcher, type Dispatcher, networkGuardOf } from '@sluice/shared/net';
import { type Controller, shardSelector } from '@sluice/shared/runtime';
import { createRemoteBases } from './builder/remote-bases.ts';
import type { KustomizeConfig } from './config.ts';
import {
  createKustomizationController,
  kustomizationIndexes,
  prefetchArtifact,
} from './kustomization/controller.ts';
import { kustomizeIdentity } from './kustomization/identity.ts';
import { createInventories } from './kustomization/inventories.ts';
import type { Dependencies, KustomizationSettings } from './kustomization/run.ts';
import { KustomizationStates } from './kustomization/state.ts';
import { createKustomizationMetrics } from './metrics.ts';

const mebibyte = 1024 * 1024;
/** Limit of what is remembered about what builds looked at; without it, they are made anew. */
const maxSeenBytes = 16 * mebibyte;

/** The running service. */
export interface KustomizeController {
  controller: Controller<Kustomization>;
  /** Resolves when everything has ended after the signal aborted. */
  ended: Promise<void>;
}

function settingsOf({ flags, gates, namespace }: KustomizeConfig): KustomizationSettings {
  return {
    concurrentApplies: flags['concurrent-ssa'],
    noCrossNamespaceRefs: flags['no-cross-namespace-refs'],
    identity: kustomizeIdentity(flags['override-manager']),
    customApplyStageKinds: flags['custom-apply-stage-kinds'],
    strictSubstitutions: gates.StrictPostBuildSubstitutions,
    externalArtifacts: gates.ExternalArtifact,
    failFast: !gates.DisableFailFastBehavior,
    ageSecret:
      flags['sops-age-secret'] === '' ? undefined : { namespace, name: flags['sops-age-secret'] },
    tempDir: join(flags['work-path'], 'builds'),
  };
}

function localhostResolver(host: string | undefined) {
  if (host === undefined) return undefined;
  return (url: string) => Object.assign(new URL(url), { host }).href;
}

function createDependencies(
  config: KustomizeConfig,
  doors: ApplierDoors,
  o: { informer: Informer<Kustomization>; spawner: Spawner; dispatcher: Dispatcher },
): Dependencies {
  const { client, logger } = doors;
  const { flags } = config;
  const settings = settingsOf(config);
  // A process that was killed may have left something in it.
  rmSync(settings.tempDir, { recursive: true, force: true });
  const states = new KustomizationStates();
  const inventories = createInventories(o.informer, states);
  const tenants = new TenantClients({
    guard: networkGuardOf(flags),
    clientOptions: { onRequest: doors.metrics.apiRequest },
  });
  return {
    settings,
    artifacts: new ArtifactCache({
      dir: join(flags['work-path'], 'artifacts'),
      maxBytes: flags['artifact-cache-size'] * mebibyte,
      httpRetries: flags['http-retry'],
      logger,
      dispatcher: o.dispatcher,
      resolveUrl: localhostResolver(config.sourceControllerLocalhost),
    }),
    kustomize: createKustomize({ binary: flags['kustomize-builder'] }),
    remoteBases: flags['no-remote-bases'] ? undefined : createRemoteBases(networkGuardOf(flags)),
    sops: createSops({
      binary: flags['sops-binary'],
      tempDir: settings.tempDir,
      runCommand: o.spawner.run,
    }),
    builds: new LruBytes(flags['build-cache-size'] * mebibyte),
    seen: new LruBytes(maxSeenBytes),
    states,
    sources: createSources({
      monitor: doors.metrics.watches,
      client,
      logger,
      namespace: config.watchNamespace,
      kinds: ['GitRepository', 'OCIRepository', 'Bucket', 'ExternalArtifact'],
    }),
    kustomizations: o.informer,
    inventories,
    dependencies: new DependencyWatch({
      monitor: doors.metrics.watches,
      kind: 'Kustomization',
      informer: o.informer,
      client,
      logger,
      namespace: config.watchNamespace,
      additive: config.gates.AdditiveCELDependencyCheck,
      noCrossNamespaceRefs: settings.noCrossNamespaceRefs,
    }),
    tenants,
    clusters: new Clusters({
      client,
      tenants,
      identity: settings.identity,
      inventories,
      defaultServiceAccount: flags['default-service-account'],
      defaultKubeConfigServiceAccount: flags['default-kubeconfig-service-account'],
      insecureExec: flags['insecure-kubeconfig-exec'],
      insecureTls: flags['insecure-kubeconfig-tls'],
      logger,
    }),
    backoff: new DriftBackoff(),
    metrics: createKustomizationMetrics(
      doors.metrics.registry,
      createDriftMetrics(doors.metrics.registry, {
        kind: 'Kustomization',
        owners: () => o.informer.list(),
        open: (owner) => states.peek(owner)?.reported.size ?? 0,
      }),
    ),
    revisit: () => undefined,
  };
}

function configWatchOf(
  config: KustomizeConfig,
  { client, logger, metrics }: ApplierDoors,
): ConfigWatch {
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

function createKustomizationInformer({ flags, namespace }: KustomizeConfig, doors: ApplierDoors) {
  return createInformer<Kustomization>({
    client: doors.client,
    resource: resourceOf(kustomizationKind),
    check: (object) => wrongFieldOf(kustomizationKind as KindDefinition, object),
    monitor: doors.metrics.watches,
    indexes: kustomizationIndexes,
    logger: doors.logger,
    ...shardSelector({
      watchLabelSelector: flags['watch-label-selector'],
      watchAllNamespaces: flags['watch-all-namespaces'],
      namespace,
    }),
  });
}

/**
 * Starts the service: its watches, then its reconciles.
 *
 * @returns once the watches of sources know everything
 */
export async function startKustomizeController(
  config: KustomizeConfig,
  doors: ApplierDoors,
  signal: AbortSignal,
): Promise<KustomizeController> {
  const { logger, bus } = doors;
  const { flags } = config;
  const informer = createKustomizationInformer(config, doors);
  const spawner = createSpawner();
  const dispatcher = createArtifactDispatcher(flags);
  const deps = createDependencies(config, doors, { informer, spawner, dispatcher });
  const configs = configWatchOf(config, doors);
  const controller = createKustomizationController({
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
  });
  configs.start();
  await deps.sources.start(signal);
  const notices = bus && onArtifacts(bus, prefetchArtifact(deps, logger));
  const run = async () => {
    try {
      await controller.run(signal);
    } finally {
      await notices?.stop();
      await Promise.all([
        configs.stop(),
        deps.dependencies.stop(),
        deps.sources.stop(),
        deps.clusters.stop(),
      ]);
      await Promise.all([deps.tenants.close(), deps.artifacts.close(), spawner.close()]);
      await Promise.all([deps.kustomize.close(), deps.remoteBases?.close()]);
      await dispatcher.destroy();
    }
  };
  return { controller, ended: run() };
}
