import { join } from 'node:path';
import {
  type ArtifactAnnouncer,
  type Bucket,
  type GitRepository,
  type HelmChart,
  type HelmRepository,
  helmChartKind,
  helmRepositoryKind,
  type KindDefinition,
  type KubeObject,
} from '@sluice/shared/api';
import { ArtifactCache, type ArtifactStore } from '@sluice/shared/artifact';
import type { ByteBudget, FairSlots, Logger } from '@sluice/shared/base';
import type { CloudIdentities } from '@sluice/shared/cloud';
import type { Informer, KubeClient } from '@sluice/shared/kube';
import type { AuthorizeDownload } from '@sluice/shared/net';
import type { Controller, Metrics, Reconciler } from '@sluice/shared/runtime';
import type { Dispatcher } from 'undici';
import type { Endpoints } from './adapters/endpoint.ts';
import type { AuthorizationCache } from './adapters/registry/client.ts';
import type { Config } from './config.ts';
import { helmChartReconciler, watchChartSources } from './helm-chart/controller.ts';
import { helmRepositoryReconciler } from './helm-repository/controller.ts';
import { IndexCache } from './helm-repository/index-cache.ts';
import { KnownIndexes } from './helm-repository/known-indexes.ts';
import { type CacheMetrics, createCacheMetrics } from './metrics.ts';
import type { VerificationDeps } from './verification/deps.ts';

/** What the controllers of the Helm kinds are made of. */
export interface HelmParts {
  client: KubeClient;
  config: Config;
  logger: Logger;
  metrics: Metrics;
  store: ArtifactStore;
  endpoints: Endpoints;
  /** Through what artifacts of other controllers are downloaded. */
  dispatcher: Dispatcher;
  /** With which token they are. */
  authorize: AuthorizeDownload;
  announcer?: ArtifactAnnouncer;
  packing: FairSlots;
  memory: ByteBudget;
  authorizations: AuthorizationCache;
  verification: VerificationDeps;
  identities: CloudIdentities;
  tempDir: string;
  gitInformer: Informer<GitRepository>;
  bucketInformer: Informer<Bucket>;
  informerOf<T extends KubeObject>(kind: KindDefinition<T>): Informer<T>;
  controllerOf<T extends KubeObject>(
    informer: Informer<T>,
    reconciler: Reconciler<T>,
  ): Controller<T>;
}

/** Bytes of Helm indexes kept in memory, and of unpacked artifacts kept on the disk. */
const maxIndexCacheBytes = 64 * 1024 * 1024;
const maxUnpackedBytes = 256 * 1024 * 1024;
const localRetries = 3;

/** Something that runs until the signal aborts. */
export interface Runnable {
  run(signal: AbortSignal): Promise<void>;
}

/** Makes the controllers of HelmRepositories and HelmCharts. */
export function createHelmControllers(parts: HelmParts): Runnable[] {
  const { config, gitInformer, bucketInformer: buckets, informerOf, controllerOf } = parts;
  const cacheMetrics = createCacheMetrics(parts.metrics.registry);
  const indexes = createIndexCache(parts, cacheMetrics);
  const maxIndexBytes = config['helm-index-max-size'];
  const common = { ...parts, indexes, maxIndexBytes };
  const repositories = informerOf<HelmRepository>(helmRepositoryKind);
  repositories.onEvent(({ type, object }) => {
    if (type === 'deleted') cacheMetrics.forget(object.metadata);
  });
  const charts = informerOf<HelmChart>(helmChartKind);
  const repositoryController = controllerOf(
    repositories,
    helmRepositoryReconciler({ ...common, known: new KnownIndexes() }),
  );
  const chartController = controllerOf(
    charts,
    helmChartReconciler({
      ...common,
      unpacked: createUnpackedCache(parts),
      sources: {
        helmRepository: (key) => repositories.get(key),
        gitRepository: (key) => gitInformer.get(key),
        bucket: (key) => buckets.get(key),
        helmRepositories: () => repositories.list(),
      },
      limits: {
        archiveBytes: config['helm-chart-max-size'],
        fileBytes: config['helm-chart-file-max-size'],
      },
      madeFrom: new Map(),
    }),
  );
  const sources = [repositories, gitInformer, buckets];
  watchChartSources(charts, sources, chartController);
  return [repositoryController, runAfter(sources, chartController)];
}

function createIndexCache({ config, store, memory }: HelmParts, metrics: CacheMetrics): IndexCache {
  return new IndexCache({
    localPath: (path) => store.localPath(path),
    memory,
    maxBytes: maxIndexCacheBytes,
    maxEntries: config['helm-cache-max-size'],
    ttlMs: config['helm-cache-ttl'],
    purgeIntervalMs: config['helm-cache-purge-interval'],
    onUse: metrics.used,
  });
}

/** Artifacts of this process are read from its storage, whatever address others reach it by. */
function createUnpackedCache(parts: HelmParts): ArtifactCache {
  const { store, tempDir, logger, dispatcher, authorize } = parts;
  const advertised = store.urlFor('');
  return new ArtifactCache({
    dir: join(tempDir, 'unpacked'),
    maxBytes: maxUnpackedBytes,
    httpRetries: localRetries,
    logger,
    dispatcher,
    authorize,
    openLocal: (url) =>
      url.startsWith(advertised) ? () => store.read(url.slice(advertised.length)) : undefined,
  });
}

/** A chart whose source is not known yet would be reported as one without a source. */
function runAfter(
  sources: readonly Pick<Informer<KubeObject>, 'synced'>[],
  controller: Controller<HelmChart>,
): Runnable {
  return {
    run: async (signal) => {
      try {
        await Promise.all(sources.map((informer) => informer.synced(signal)));
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await controller.run(signal);
    },
  };
}
