import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type HelmRelease, helmReleaseKind } from '@sluice/shared/api';
import {
  type ApplierDoors,
  type ApplierParts,
  createApplierParts,
  type DownloadOptions,
} from '@sluice/shared/applier';
import { ArtifactCache } from '@sluice/shared/artifact';
import { FairSlots, RefusedWork, systemClock, type TextDigestAlgorithm } from '@sluice/shared/base';
import { createHelmRenderer, createKustomize, isOverLimit } from '@sluice/shared/cli';
import { createKindsWatch } from '@sluice/shared/kube';
import { networkGuardOf } from '@sluice/shared/net';
import type { Controller } from '@sluice/shared/runtime';
import { helmIdentity } from './action/identity.ts';
import { ChartCache } from './chart/acquire.ts';
import type { HelmConfig } from './config.ts';
import { createHelmReleaseController, helmReleaseIndexes } from './helm-release/controller.ts';
import { createInventories } from './helm-release/inventories.ts';
import { createReleaseWatch } from './helm-release/release-watch.ts';
import { chartReferenceOf } from './helm-release/resolve-source.ts';
import type { HelmReleaseDeps, HelmReleaseSettings } from './helm-release/run.ts';
import { HelmReleaseStates } from './helm-release/state.ts';
import { createHelmReleaseMetrics } from './metrics.ts';
import { createReleaseCache } from './release/storage.ts';
import { createDiscovery } from './render/discovery.ts';
import { createRemoteSchemas, noRemoteSchemas } from './render/remote-schemas.ts';
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

function settingsOf({ flags, gates, namespace }: HelmConfig): HelmReleaseSettings {
  return {
    concurrentApplies: flags['concurrent-apply'],
    noCrossNamespaceRefs: flags['no-cross-namespace-refs'],
    identity: helmIdentity(flags['override-manager']),
    // The flag takes no other values.
    digestAlgorithm: flags['snapshot-digest-algo'] as TextDigestAlgorithm,
    controllersNamespace: namespace,
    externalArtifacts: gates.ExternalArtifact,
    retryByDefault: gates.DefaultToRetryOnFailure,
    pinsArtifacts: flags['pin-artifacts'],
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
    schemas: flags['no-remote-schemas']
      ? noRemoteSchemas
      : createRemoteSchemas(networkGuardOf(flags), systemClock),
  });
}

function createCaches({ flags, gates }: HelmConfig, download: DownloadOptions) {
  const dir = flags['work-path'];
  const options = { ...download, httpTimeoutMs: flags['http-timeout'] };
  return {
    charts: new ChartCache({
      ...options,
      dir: join(dir, 'charts'),
      maxBytes: flags['chart-cache-size'] * mebibyte,
      trackDigests: !gates.DisableChartDigestTracking,
    }),
    artifacts: new ArtifactCache({
      ...options,
      dir: join(dir, 'artifacts'),
      maxBytes: valuesCacheBytes,
    }),
    releases: createReleaseCache(flags['release-cache-size'] * mebibyte),
  };
}

function createDependencies(
  config: HelmConfig,
  doors: ApplierDoors,
): { deps: HelmReleaseDeps; parts: ApplierParts<HelmRelease> } {
  const { client, logger, metrics } = doors;
  const settings = settingsOf(config);
  const states = new HelmReleaseStates();
  const parts = createApplierParts<HelmRelease>(config, doors, {
    kind: helmReleaseKind,
    indexes: helmReleaseIndexes,
    identity: settings.identity,
    sourceKinds: ['HelmChart', 'OCIRepository', 'ExternalArtifact', 'GitRepository', 'Bucket'],
    states,
    sourceOf: chartReferenceOf,
    inventoriesOf: (informer) => createInventories(informer, states),
  });
  const namespace = config.watchNamespace;
  const deps: HelmReleaseDeps = {
    ...parts,
    ...createCaches(config, parts.download),
    settings,
    states,
    helmReleases: parts.informer,
    renderer: createRendering(config),
    refused: new RefusedWork(isOverLimit, systemClock),
    releaseWatch: createReleaseWatch({ client, logger, namespace, monitor: metrics.watches }),
    metrics: createHelmReleaseMetrics(metrics.registry),
    slots: FairSlots.withOneSpare(config.flags.concurrent),
    revisit: () => undefined,
  };
  return { deps, parts };
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
  const { deps, parts } = createDependencies(config, doors);
  const { configs } = parts;
  const drainMs = flags['graceful-shutdown-timeout'];
  const controller = createHelmReleaseController({ ...parts.controller, deps, configs, drainMs });
  const { client, logger } = doors;
  const kinds = createKindsWatch({ client, logger, onChange: () => deps.renderer.invalidate() });
  kinds.start();
  deps.releaseWatch.start();
  await parts.start(signal);
  const run = async () => {
    try {
      await controller.run(signal);
    } finally {
      await deps.states.stop();
      await Promise.all([deps.releaseWatch.stop(), kinds.stop()]);
      await Promise.all([deps.charts.close(), deps.artifacts.close(), deps.renderer.close()]);
      await parts.stop();
    }
  };
  return { controller, ended: run() };
}
