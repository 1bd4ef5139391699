import { join } from 'node:path';
import {
  type ArtifactAnnouncer,
  type ArtifactGenerator,
  artifactGeneratorKind,
  type ExternalArtifact,
  externalArtifactKind,
  generatorLabel,
  type KindDefinition,
  wrongFieldOf,
} from '@sluice/shared/api';
import { ArtifactCache } from '@sluice/shared/artifact';
import { BudgetError, ReconcileError, RefusedWork, systemClock } from '@sluice/shared/base';
import { createArtifactAnnouncer } from '@sluice/shared/bus';
import { createInformer, type Informer, resourceOf } from '@sluice/shared/kube';
import {
  type AuthorizeDownload,
  createArtifactDispatcher,
  createAuthorizeDownload,
  type Dispatcher,
} from '@sluice/shared/net';
import {
  createController,
  createEventRecorder,
  type EventRecorder,
  shardSelector,
} from '@sluice/shared/runtime';
import {
  createArtifactArchive,
  createEventSink,
  createSources,
  type ServiceDoors,
  type ServiceParts,
  type SourceKind,
} from '@sluice/shared/service';
import { createStorage, type ServedStorage, type Storage } from '@sluice/shared/storage';
import { generatorReconciler, watchGenerators } from './artifact-generator/controller.ts';
import { byUid, type GeneratorDeps } from './artifact-generator/deps.ts';
import { GeneratorGraph } from './artifact-generator/graph.ts';
import type { Config } from './config.ts';
import { controllerName } from './names.ts';

const mebibyte = 1024 * 1024;
/** Time that Kubernetes Events get to be sent at the end, in milliseconds. */
const flushMs = 2000;
const sourceKinds: SourceKind[] = [
  'GitRepository',
  'OCIRepository',
  'Bucket',
  'HelmChart',
  'ExternalArtifact',
];

interface App extends ServiceDoors {
  config: Config;
  events: EventRecorder;
  announcer: ArtifactAnnouncer | undefined;
  /** Through what artifacts of other controllers are downloaded. */
  dispatcher: Dispatcher;
  /** With which token they are. */
  authorize: AuthorizeDownload;
}

/** Makes the parts of the service: every replica serves artifacts, the one that leads makes them. */
export function createSourceWatcher(config: Config, doors: ServiceDoors): ServiceParts {
  const sink = createEventSink(doors);
  const events = createEventRecorder({ ...doors, controllerName, sink });
  const dispatcher = createArtifactDispatcher(config);
  const announcer = doors.bus && createArtifactAnnouncer(doors.bus);
  const authorize = createAuthorizeDownload(config);
  const storage = createStorage({
    ...doors,
    config,
    archive: createArtifactArchive(config['storage-backend'], doors.bus),
    kinds: [externalArtifactKind as KindDefinition],
    monitor: doors.metrics.watches,
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    namespace: namespaceOf(config),
  });
  return {
    readyChecks: { storage: storage.check },
    servedAt: storage.servedAt,
    always: storage.serve,
    start: ({ signal, client }) => {
      const app = { ...doors, client, config, events, announcer, dispatcher, authorize };
      return run(app, signal, storage);
    },
    flush: () => events.flush(flushMs),
    close: async () => {
      await sink?.close();
      await dispatcher.destroy();
    },
  };
}

/** Reconciles until the signal aborts. */
function run(app: App, signal: AbortSignal, served: ServedStorage): Promise<void> {
  return served.use(async (storage) => {
    const deps = createDeps(app, storage);
    const controller = controllerOf(app, deps);
    watchGenerators(deps, controller);
    try {
      deps.outputs.start();
      await Promise.all([deps.sources.start(signal), deps.outputs.synced(signal)]);
      await controller.run(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await Promise.all([deps.sources.stop(), deps.outputs.stop(), deps.artifacts.close()]);
    }
  });
}

function createDeps(app: App, { store, tempDir }: Storage): GeneratorDeps {
  const { config, client, logger, metrics, announcer } = app;
  const namespace = namespaceOf(config);
  const watch = { client, logger, namespace, monitor: metrics.watches };
  return {
    generators: generatorInformer(app),
    outputs: createInformer<ExternalArtifact>({
      ...watch,
      resource: resourceOf(externalArtifactKind as KindDefinition),
      labelSelector: generatorLabel,
    }),
    sources: createSources({ ...watch, kinds: sourceKinds }),
    graph: new GeneratorGraph(),
    artifacts: createCache(app),
    store,
    announcer,
    refused: new RefusedWork(isOverLimit, systemClock),
    found: new Map(),
    tempDir,
    maxArtifactBytes: config['artifact-max-size'],
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
  };
}

/** The only one to look at; undefined for all. */
function namespaceOf(config: Config): string | undefined {
  return config['watch-all-namespaces'] ? undefined : config.runtimeNamespace;
}

function isOverLimit(error: Error): boolean {
  return error instanceof ReconcileError && error.cause instanceof BudgetError;
}

function createCache({ config, logger, dispatcher, authorize }: App): ArtifactCache {
  const host = config.sourceControllerLocalhost;
  return new ArtifactCache({
    dir: join(config['work-path'], 'artifacts'),
    maxBytes: config['artifact-cache-size'] * mebibyte,
    httpRetries: config['http-retry'],
    logger,
    dispatcher,
    authorize,
    ...(host !== undefined && {
      resolveUrl: (url: string) => Object.assign(new URL(url), { host }).href,
    }),
  });
}

function generatorInformer({ config, client, logger, metrics }: App): Informer<ArtifactGenerator> {
  const kind = artifactGeneratorKind as KindDefinition;
  return createInformer<ArtifactGenerator>({
    client,
    resource: resourceOf(kind),
    logger,
    check: (object) => wrongFieldOf(kind, object),
    monitor: metrics.watches,
    indexes: { [byUid]: ({ metadata: { uid } }) => (uid === undefined ? [] : [uid]) },
    ...shardSelector({
      watchLabelSelector: config['watch-label-selector'],
      watchAllNamespaces: config['watch-all-namespaces'],
      namespace: config.runtimeNamespace,
    }),
  });
}

function controllerOf({ config, client, events, metrics, logger }: App, deps: GeneratorDeps) {
  return createController<ArtifactGenerator>({
    reconciler: generatorReconciler(deps),
    informer: deps.generators,
    client,
    events,
    metrics,
    logger,
    concurrency: config.concurrent,
    minRetryDelayMs: config['min-retry-delay'],
    maxRetryDelayMs: config['max-retry-delay'],
    intervalJitterPercentage: config['interval-jitter-percentage'],
    leastIntervalMs: config['least-interval'],
    dependencyRequeueMs: config['requeue-dependency'],
  });
}
