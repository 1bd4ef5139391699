import { rm } from 'node:fs/promises';
import type { Artifact } from '@sluice/shared/api';
import {
  ArchiveError,
  type ArtifactDownloadOptions,
  artifactError,
  artifactFailedReason,
  checkedDigest,
  DiskCache,
  type DiskCacheContent,
  downloadArtifact,
} from '@sluice/shared/artifact';
import { StalledError } from '@sluice/shared/base';
import type { ChartMetadata, Values } from '../release/release.ts';
import { prepareAnywhere } from './chart-workers.ts';
import type { ChartDescription, CrdFile } from './describe.ts';
import { enabledCrds } from './enabled-crds.ts';
import { chartLimits } from './files.ts';
import type { PrepareResult } from './prepare.ts';
import { type ChartSourceKind, hasRevisionDigest } from './version.ts';

/** A checked chart that is ready for helm, to be read only. */
export interface PreparedChart {
  /** The archive to give to helm. */
  path: string;
  /** Digest of the artifact, `sha256:…`. */
  digest: string;
  /** Digest of the source's revision, for `status.lastAttemptedRevisionDigest`; only of OCI and alike. */
  revisionDigest?: string;
  /** The version holds the digest of the source's revision, if that has one. */
  metadata: ChartMetadata;
  /**
   * Lists the files with CRDs of the chart and of those charts inside it that the values leave enabled, with paths
   * such as `app/charts/database/crds/a.yaml`.
   */
  crds(values: Values): CrdFile[];
  /** Says that the archive is no longer used; it may vanish from then on. */
  release(): void;
}

export interface ChartCacheOptions extends ArtifactDownloadOptions {
  /** Directory that this cache may share; what earlier processes left of it is removed. */
  dir: string;
  /** Bytes of archives and CRDs kept; what is in use may exceed it. */
  maxBytes: number;
  /** Put the digest of an OCI source into the chart's version, so that a tag that moved is released again. */
  trackDigests: boolean;
}

/** Where a chart comes from. */
export interface ChartSource {
  kind: ChartSourceKind;
  artifact: Artifact;
}

/** What a description costs in memory; the rest of it is small. */
function crdBytes(chart: ChartDescription): number {
  const own = chart.crds.reduce((sum, { content }) => sum + 2 * content.length, 0);
  return chart.subcharts.reduce((sum, inner) => sum + crdBytes(inner), own);
}

/**
 * Downloads, checks and describes each chart once per process, and shares the archive among all releases that need
 * it.
 */
export class ChartCache {
  readonly #o: ChartCacheOptions;
  readonly #charts: DiskCache<PrepareResult>;

  constructor(o: ChartCacheOptions) {
    this.#o = o;
    const { dir, maxBytes, logger } = o;
    this.#charts = new DiskCache({ dir, maxBytes, logger, prefix: 'chart-' });
  }

  /** Bytes of archives and CRDs held. */
  get bytes(): number {
    return this.#charts.bytes;
  }

  /**
   * Returns the chart of an artifact.
   *
   * @throws RetryableError `ArtifactFailed` when it cannot be downloaded or has another digest
   * @throws StalledError `ArtifactFailed` when its digest is weak, or the chart is refused: only another artifact helps
   */
  async acquire({ kind, artifact }: ChartSource, signal?: AbortSignal): Promise<PreparedChart> {
    signal?.throwIfAborted();
    const digest = checkedDigest(artifact);
    const revision = hasRevisionDigest(kind, artifact.revision) ? artifact.revision : undefined;
    const make = (path: string) => this.#make(artifact, path, revision);
    const key = revision === undefined ? digest : `${digest} ${revision}`;
    const { path, value, release } = await this.#charts.acquire(key, make, signal);
    const { chart, revisionDigest } = value;
    const { metadata } = chart;
    const crds = (values: Values) => enabledCrds(chart, values);
    return { path, digest, revisionDigest, metadata, crds, release };
  }

  /** Removes everything, for shutdown. */
  async close(): Promise<void> {
    await this.#charts.close();
  }

  async #make(
    artifact: Artifact,
    destination: string,
    revision: string | undefined,
  ): Promise<DiskCacheContent<PrepareResult>> {
    const spillPath = `${destination}.download`;
    const { maxBytes } = chartLimits;
    const { trackDigests } = this.#o;
    try {
      const source = await downloadArtifact(artifact, { spillPath, maxBytes }, this.#o);
      const task = { source, destination, revision, trackDigest: trackDigests };
      const value = await prepareAnywhere(task);
      return { value, bytes: value.size + crdBytes(value.chart) };
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw artifactError(artifact, error);
      throw new StalledError(
        artifactFailedReason,
        `chart of revision '${artifact.revision}': ${error.message}`,
        { cause: error },
      );
    } finally {
      await rm(spillPath, { force: true });
    }
  }
}
