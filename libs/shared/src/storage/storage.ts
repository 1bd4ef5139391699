import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactStore, serveArtifacts } from '@sluice/shared/artifact';
import type { Logger } from '@sluice/shared/base';
import type { ReadyCheck } from '@sluice/shared/runtime';
import type { StorageEnvironment, StorageFlags } from './storage-flags.ts';

/** A storage of artifacts while it is served. */
export interface Storage {
  store: ArtifactStore;
  /** Directory for what is not stored yet; it vanishes with the storage. */
  tempDir: string;
  /** URL at which this process reaches what it serves. */
  localAddress: string;
}

export interface StorageOptions {
  /** Flags and addresses of the storage. */
  config: StorageFlags & StorageEnvironment;
  logger: Logger;
  /** Called once artifacts are served. */
  onServing(): void;
}

/** Opens the storage of artifacts and serves it for as long as the work with it goes on. */
export async function withStorage(
  { config, logger, onServing }: StorageOptions,
  work: (storage: Storage) => Promise<void>,
): Promise<void> {
  const store = new ArtifactStore({
    dir: config['storage-path'],
    advertisedAddress: config.advertisedAddress,
    retentionTtlMs: config['artifact-retention-ttl'],
    retentionRecords: config['artifact-retention-records'],
    digestAlgorithm: config['artifact-digest-algo'],
    logger,
  });
  await mkdir(store.dir, { recursive: true });
  const tempDir = await mkdtemp(join(tmpdir(), 'source-'));
  const server = await serveArtifacts(store, { ...config.storage, logger });
  const addr = `${config.storage.host ?? ''}:${server.port}`;
  logger.info({ addr, server: 'storage' }, 'Listening');
  onServing();
  try {
    await work({
      store,
      tempDir,
      localAddress: `http://${localHost(config.storage.host)}:${server.port}`,
    });
  } finally {
    await server.close();
    await rm(tempDir, { recursive: true, force: true });
  }
}

/** Where this process reaches what it serves at a host. */
function localHost(host = ''): string {
  if (['', '0.0.0.0', '::'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Makes the check that a service which stores artifacts is ready: it serves them. A replica that does not lead has none
 * to serve; it is ready to take over.
 */
export function storageReadiness(flags: { 'enable-leader-election': boolean }): {
  check: ReadyCheck;
  onServing(): void;
} {
  let isServing = false;
  return {
    check() {
      if (!isServing && !flags['enable-leader-election']) throw new Error('not serving yet');
    },
    onServing() {
      isServing = true;
    },
  };
}
