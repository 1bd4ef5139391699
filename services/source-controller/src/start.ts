import {
  type ArtifactAnnouncer,
  type Bucket,
  bucketKind,
  type GitRepository,
  gitRepositoryKind,
  helmChartKind,
  helmRepositoryKind,
  type KindDefinition,
  type KubeObject,
  type OCIRepository,
  ociRepositoryKind,
  wrongFieldOf,
} from '@sluice/shared/api';
import { ByteBudget, FairSlots, systemClock } from '@sluice/shared/base';
import { createArtifactAnnouncer } from '@sluice/shared/bus';
import {
  type CloudIdentities,
  createIdentities,
  createLocalDispatcher,
} from '@sluice/shared/cloud';
import { createInformer, type Informer, resourceOf } from '@sluice/shared/kube';
import {
  type AuthorizeDownload,
  ByteRate,
  createArtifactDispatcher,
  createAuthorizeDownload,
  networkGuardOf,
} from '@sluice/shared/net';
import {
  createController,
  createEventRecorder,
  type EventRecorder,
  type Reconciler,
  shardSelector,
} from '@sluice/shared/runtime';
import {
  createArtifactArchive,
  createEventSink,
  type ServiceDoors,
  type ServiceParts,
} from '@sluice/shared/service';
import { createStorage, type ServedStorage, type Storage } from '@sluice/shared/storage';
import type { Dispatcher } from 'undici';
import { Endpoints } from './adapters/endpoint.ts';
import { createNotationVerifier, type NotationVerifier } from './adapters/notation.ts';
import { AuthorizationCache } from './adapters/registry/client.ts';
import type { SshSettings } from './adapters/ssh/connect.ts';
import { bucketReconciler } from './bucket/controller.ts';
import type { Config } from './config.ts';
import { createHelmControllers } from './create-helm-controllers.ts';
import { gitRepositoryReconciler, watchIncludes } from './git-repository/controller.ts';
import { ociRepositoryReconciler } from './oci-repository/controller.ts';
import { controllerName } from './source/names.ts';
import { createRefusedContent } from './source/refused-content.ts';
import { PublicTrustRoot } from './verification/trust-root/public-trust-root.ts';

/** Sources of one kind that may wait for their servers, for each artifact that may be made at once. */
const waitingPerConcurrent = 16;
/** Part of the memory budget that one namespace may hold. */
const maxMemoryShare = 0.75;
/** Seconds of its download rate that a namespace may take in at once. */
const burstSeconds = 4;
/** Time that Kubernetes Events get to be sent at the end, in milliseconds. */
const flushMs = 2000;

const storedKinds = [
  gitRepositoryKind,
  ociRepositoryKind,
  bucketKind,
  helmRepositoryKind,
  helmChartKind,
] as KindDefinition[];

interface App extends ServiceDoors {
  config: Config;
  events: EventRecorder;
  announcer?: ArtifactAnnouncer;
  endpoints: Endpoints;
  /** At which a namespace takes in what servers send. */
  rate: ByteRate;
  notation: NotationVerifier;
  /** Through what artifacts of other controllers are downloaded. */
  dispatcher: Dispatcher;
  /** With which token they are. */
  authorize: AuthorizeDownload;
  identities: CloudIdentities;
  /** To the metadata servers of clouds. */
  local: Dispatcher;
}

/** Makes the parts of the service: every replica serves artifacts, the one that leads makes them. */
export function createSourceController(config: Config, doors: ServiceDoors): ServiceParts {
  const { bus } = doors;
  const sink = createEventSink(doors);
  const events = createEventRecorder({ ...doors, controllerName, sink });
  const rate = downloadRate(config);
  const endpoints = new Endpoints(networkGuardOf(config), rate, config.proxy);
  const dispatcher = createArtifactDispatcher(config);
  const notation = createNotationVerifier(config['notation-verifier']);
  const announcer = bus && createArtifactAnnouncer(bus);
  const storage = createStorage({
    ...doors,
    config,
    archive: createArtifactArchive(config['storage-backend'], bus),
    kinds: storedKinds,
    monitor: doors.metrics.watches,
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    namespace: selectionOf(config).namespace,
  });
  const local = createLocalDispatcher();
  const accountFlag = 'default-service-account';
  const identities = createIdentities({
    flags: config,
    account: { flag: accountFlag, name: config[accountFlag] },
    isObjectLevel: config.gates.ObjectLevelWorkloadIdentity,
    environment: config.cloud,
    monitor: doors.metrics.tokens,
    local,
  });
  const authorize = createAuthorizeDownload(config);
  const shared = { endpoints, rate, dispatcher, authorize, identities, local };
  return {
    readyChecks: { storage: storage.check },
    servedAt: storage.servedAt,
    always: storage.serve,
    start: ({ signal, client }) => {
      const parts = { events, announcer, notation, ...shared };
      const app = { ...doors, client, config, ...parts };
      return run(app, signal, storage);
    },
    flush: () => events.flush(flushMs),
    close: async () => {
      await sink?.close();
      const pools = [dispatcher.destroy(), local.destroy()];
      await Promise.all([endpoints.close(), notation.close(), ...pools]);
    },
  };
}

/** Reconciles until the signal aborts. */
function run(app: App, signal: AbortSignal, served: ServedStorage): Promise<void> {
  return served.use(async (storage) => {
    const controllers = createControllers(app, storage);
    await Promise.all(controllers.map((controller) => controller.run(signal)));
  });
}

/** What the sources that make artifacts share. */
function commonParts(app: App, { store, tempDir }: Storage) {
  const { announcer, endpoints, config, identities } = app;
  // One more than a namespace may have: whatever it makes, others go on.
  const packing = FairSlots.withOneSpare(config.concurrent);
  const memory = new ByteBudget({
    total: config['memory-budget'],
    perShare: Math.ceil(config['memory-budget'] * maxMemoryShare),
  });
  return {
    store,
    endpoints,
    announcer,
    packing,
    memory,
    refused: createRefusedContent(),
    tempDir,
    maxArtifactBytes: config['artifact-max-size'],
    identities,
    isObjectLevel: config.gates.ObjectLevelWorkloadIdentity,
  };
}

function createControllers(app: App, storage: Storage) {
  const { endpoints, config } = app;
  const common = commonParts(app, storage);
  const authorizations = new AuthorizationCache(app.metrics.tokens);
  const verification = {
    endpoints,
    notation: app.notation,
    trustedRootPath: config['sigstore-trusted-root'],
    publicRoot: publicRootOf(app),
  };
  const gitInformer = informerOf<GitRepository>(app, gitRepositoryKind);
  const find = (key: string) => gitInformer.get(key);
  const git = controllerOf(
    app,
    gitInformer,
    gitRepositoryReconciler({ ...common, ssh: sshSettings(app), discoveries: new Map(), find }),
  );
  watchIncludes(gitInformer, git);
  const oci = controllerOf(
    app,
    informerOf<OCIRepository>(app, ociRepositoryKind),
    ociRepositoryReconciler({ ...common, authorizations, verification }),
  );
  const bucketInformer = informerOf<Bucket>(app, bucketKind);
  const bucket = controllerOf(
    app,
    bucketInformer,
    bucketReconciler({ ...common, cloudEnvironment: config.cloud, local: app.local }),
  );
  const helm = createHelmControllers({
    ...app,
    ...common,
    authorizations,
    verification,
    gitInformer,
    bucketInformer,
    informerOf: (kind) => informerOf(app, kind),
    controllerOf: (informer, reconciler) => controllerOf(app, informer, reconciler),
  });
  return [git, oci, bucket, ...helm];
}

function publicRootOf({ config, endpoints, logger }: App): PublicTrustRoot | undefined {
  const mirror = config['sigstore-tuf-mirror'];
  if (mirror === '') return undefined;
  return new PublicTrustRoot({
    endpoints,
    mirror,
    firstRootPath: config['sigstore-tuf-root'],
    dir: config['sigstore-tuf-cache'],
    clock: systemClock,
    logger,
  });
}

function downloadRate(config: Config): ByteRate {
  const bytesPerSecond = config['namespace-download-rate'];
  return new ByteRate({ bytesPerSecond, burst: burstSeconds * bytesPerSecond });
}

function sshSettings({ config, rate }: App): SshSettings {
  const algorithms = { kex: config['ssh-kex-algos'], hostKey: config['ssh-hostkey-algos'] };
  return { guard: networkGuardOf(config), algorithms, rate };
}

/** The objects of this shard. */
function selectionOf(config: Config): ReturnType<typeof shardSelector> {
  return shardSelector({
    watchLabelSelector: config['watch-label-selector'],
    watchAllNamespaces: config['watch-all-namespaces'],
    namespace: config.runtimeNamespace,
  });
}

function informerOf<T extends KubeObject>(app: App, kind: KindDefinition<T>): Informer<T> {
  const { config, client, logger, metrics } = app;
  const selection = selectionOf(config);
  const resource = resourceOf(kind as KindDefinition);
  const check = (object: T) => wrongFieldOf(kind as KindDefinition, object);
  const monitor = metrics.watches;
  return createInformer<T>({ client, resource, logger, check, monitor, ...selection });
}

function controllerOf<T extends KubeObject>(
  { config, client, events, metrics, logger }: App,
  informer: Informer<T>,
  reconciler: Reconciler<T>,
) {
  return createController<T>({
    reconciler,
    informer,
    client,
    events,
    metrics,
    logger,
    concurrency: config.concurrent * waitingPerConcurrent,
    minRetryDelayMs: config['min-retry-delay'],
    maxRetryDelayMs: config['max-retry-delay'],
    intervalJitterPercentage: config['interval-jitter-percentage'],
    leastIntervalMs: config['least-interval'],
    dependencyRequeueMs: config['requeue-dependency'],
  });
}
