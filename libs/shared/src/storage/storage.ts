import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KindDefinition } from '@sluice/shared/api';
import {
  type ArtifactArchive,
  type ArtifactServer,
  ArtifactStore,
  serveArtifacts,
} from '@sluice/shared/artifact';
import { type Logger, whenAborted } from '@sluice/shared/base';
import type { KubeClient, WatchMonitor } from '@sluice/shared/kube';
import {
  createJudge,
  createTokenGate,
  createTokenReviewer,
  type ManagerContext,
  type ReadyCheck,
  type TokenGate,
} from '@sluice/shared/runtime';
import { keepStock } from './keep-stock.ts';
import { PinnedArtifacts } from './pinned-artifacts.ts';
import type { StorageEnvironment, StorageFlags } from './storage-flags.ts';

/** A storage of artifacts as those who make some use it. */
export interface Storage {
  store: ArtifactStore;
  /** Directory for what is not stored yet; it vanishes with the storage. */
  tempDir: string;
}

/** The storage of a service, which every replica serves and the one that leads fills. */
export interface ServedStorage {
  /** Fails until artifacts are served. */
  check: ReadyCheck;
  /** Where this replica serves, as `host:port`; undefined before it does. */
  servedAt(): string | undefined;
  /** Serves artifacts until the signal aborts; of a replica that does not lead, those of the one that does. */
  serve(context: ManagerContext): Promise<void>;
  /** Does work with the storage, once artifacts are served. */
  use(work: (storage: Storage) => Promise<void>): Promise<void>;
}

export interface StorageOptions {
  /** Flags and addresses of the storage. */
  config: StorageFlags & StorageEnvironment;
  /** By which the tokens of readers are reviewed. */
  client: KubeClient;
  logger: Logger;
  /** Where artifacts are kept besides the disk. */
  archive?: ArtifactArchive;
  monitor: WatchMonitor;
  /** Pins count for artifacts of the own namespace only. */
  noCrossNamespaceRefs: boolean;
  /** The kinds whose artifacts this service makes. */
  kinds: readonly KindDefinition[];
  /** The only namespace whose objects it knows; all when undefined. */
  namespace: string | undefined;
}

/** Makes the storage of a service. */
export function createStorage(o: StorageOptions): ServedStorage {
  const { config, logger, archive } = o;
  const pins = config['keep-pinned-artifacts'] ? new PinnedArtifacts(o) : undefined;
  const store = new ArtifactStore({
    dir: config['storage-path'],
    advertisedAddress: config.advertisedAddress,
    retentionTtlMs: config['artifact-retention-ttl'],
    retentionRecords: config['artifact-retention-records'],
    digestAlgorithm: config['artifact-digest-algo'],
    archive,
    pins,
    logger,
  });
  const gate = readerGate(o);
  const serving = Promise.withResolvers<void>();
  // Who waits for it fails as well; without anybody it must not count as unhandled.
  serving.promise.catch(() => undefined);
  let server: ArtifactServer | undefined;
  return {
    check() {
      if (server === undefined) throw new Error('not serving yet');
    },
    servedAt: () => server && `${config.podAddress ?? reachableHost()}:${server.port}`,
    async serve({ signal, otherLeader }) {
      try {
        await mkdir(store.dir, { recursive: true });
        server = await serveArtifacts(store, {
          ...config.storage,
          logger,
          ...(gate && { gate }),
          leader: otherLeader,
        });
      } catch (error) {
        serving.reject(error);
        throw error;
      }
      const addr = `${config.storage.host ?? ''}:${server.port}`;
      logger.info({ addr, server: 'storage' }, 'Listening');
      serving.resolve();
      await whenAborted(signal);
      await server.close();
    },
    async use(work) {
      await serving.promise;
      const tempDir = await mkdtemp(join(tmpdir(), 'source-'));
      const ended = new AbortController();
      const stock = archive && keepStock({ ...o, store, archive }, ended.signal);
      const pinning = pins?.run(ended.signal);
      try {
        await work({ store, tempDir });
      } finally {
        ended.abort();
        await Promise.all([stock, pinning]);
        await rm(tempDir, { recursive: true, force: true });
      }
    },
  };
}

/** The gate before artifacts; undefined when anybody may download them. */
function readerGate({ config, client, logger }: StorageOptions): TokenGate | undefined {
  const { readers: users } = config;
  if (users === undefined) return undefined;
  const review = createTokenReviewer(client, config['artifact-audience']);
  return createTokenGate({
    judge: createJudge({ review, users }),
    logger,
    words: { who: 'reader', deed: 'download artifacts' },
    message: 'A reader of artifacts is refused',
  });
}

/** Where other Pods reach this one, when nobody has told. */
function reachableHost(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const { address = '127.0.0.1', family } = addresses.find(({ internal }) => !internal) ?? {};
  return family === 'IPv6' ? `[${address}]` : address;
}
