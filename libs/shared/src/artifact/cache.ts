import { mkdir, rm } from 'node:fs/promises';
import type { Artifact } from '../api/index.ts';
import { defaultArchiveLimits } from './archive-reader.ts';
import { DiskCache, type DiskCacheContent } from './disk-cache.ts';
import {
  type ArtifactDownloadOptions,
  artifactError,
  checkedDigest,
  downloadArtifact,
} from './download-artifact.ts';
import { type UnpackResult, unpackArchive } from './unpack.ts';

/** An artifact unpacked on the local disk, to be read only. */
export interface UnpackedArtifact {
  dir: string;
  digest: string;
  files: number;
  /** Bytes that the files hold. */
  bytes: number;
  /** Says that the directory is no longer used; it may vanish from then on. */
  release(): void;
}

export interface ArtifactCacheOptions extends ArtifactDownloadOptions {
  /** Directory that belongs to this cache alone; what earlier processes left in it is removed. */
  dir: string;
  /** Bytes of unpacked content kept; what is in use may exceed it. */
  maxBytes: number;
  maxUnpackedBytes?: number;
  maxFiles?: number;
}

/**
 * Downloads and unpacks each artifact once per process and shares the directory among all who need it. Entries
 * are known by their digest alone, which is verified before anything is unpacked; they are dropped, the least
 * recently used first, once their bytes exceed the limit and nobody uses them.
 */
export class ArtifactCache {
  readonly #o: ArtifactCacheOptions;
  readonly #directories: DiskCache<UnpackResult>;

  constructor(o: ArtifactCacheOptions) {
    this.#o = o;
    const { dir, maxBytes, logger } = o;
    this.#directories = new DiskCache({ dir, maxBytes, logger, prefix: 'artifact-' });
  }

  /** Bytes of unpacked content held. */
  get bytes(): number {
    return this.#directories.bytes;
  }

  /**
   * Returns an artifact's unpacked content.
   *
   * @throws StalledError `ArtifactFailed` when the declared digest is missing or weak
   * @throws RetryableError `ArtifactFailed` when it cannot be downloaded, has another digest, or is refused
   */
  async acquire(artifact: Artifact, signal?: AbortSignal): Promise<UnpackedArtifact> {
    signal?.throwIfAborted();
    const digest = checkedDigest(artifact);
    const load = (dir: string) => this.#load(artifact, dir);
    const { path, value, release } = await this.#directories.acquire(digest, load, signal);
    return { dir: path, digest, ...value, release };
  }

  /** Removes everything, for shutdown. */
  async close(): Promise<void> {
    await this.#directories.close();
  }

  async #load(artifact: Artifact, dir: string): Promise<DiskCacheContent<UnpackResult>> {
    const spillPath = `${dir}.tar.gz`;
    const maxBytes = this.#o.maxUnpackedBytes ?? defaultArchiveLimits.maxBytes;
    // Its path is that of the kind, the namespace and the name of its source.
    const share = artifact.path.split('/')[1] ?? '';
    const maxFiles = this.#o.maxFiles ?? defaultArchiveLimits.maxFiles;
    try {
      const content = await downloadArtifact(artifact, { spillPath, maxBytes }, this.#o);
      await mkdir(dir, { mode: 0o700 });
      const value = await unpackArchive(content, dir, { maxBytes, maxFiles }, { share });
      return { value, bytes: value.bytes };
    } catch (error) {
      throw artifactError(artifact, error);
    } finally {
      await rm(spillPath, { force: true });
    }
  }
}
