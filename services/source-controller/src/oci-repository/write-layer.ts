import { mkdir } from 'node:fs/promises';
import {
  type ArchiveLimits,
  defaultArchiveLimits,
  defaultIgnoreLimits,
  type IgnoreLimits,
  type PackResult,
  packArtifact,
  readArchive,
  readDirectory,
  type TreeEntry,
  unpackArchive,
  unpackFileHere,
  withoutIgnored,
} from '@sluice/shared/artifact';
import type { DigestAlgorithm } from '@sluice/shared/base';
import { writeContent } from '../source/write-content.ts';

export interface LayerTask {
  /** The layer's bytes, or the path of the file that holds them. */
  layer: Uint8Array | string;
  destination: string;
  algorithm: DigestAlgorithm;
  /** A directory that does not exist yet; to be removed by the caller. */
  workDir: string;
  specIgnore?: string;
  /** Most bytes that the files of the artifact may hold together. */
  maxBytes: number;
}

/** What making one artifact may cost. */
export interface LayerLimits {
  archive: ArchiveLimits;
  ignore: IgnoreLimits;
}

/** Limits for a thread of its own. */
const defaultLayerLimits: LayerLimits = {
  archive: defaultArchiveLimits,
  ignore: defaultIgnoreLimits,
};

/**
 * Unpacks a `tar+gzip` layer and packs it again the way artifacts are, without what is ignored.
 *
 * @throws ArchiveError when the layer is refused; BudgetError when it, or its patterns, are over a limit
 */
export async function extractLayer(
  task: LayerTask,
  limits: LayerLimits = defaultLayerLimits,
): Promise<PackResult> {
  const entries = await entriesOf(task, limits.archive);
  const kept = await withoutIgnored(entries, task.specIgnore, limits.ignore);
  const { algorithm, maxBytes } = task;
  return packArtifact(kept, task.destination, { algorithm, maxBytes });
}

/** Small layers stay in memory; large ones go through a directory. */
async function entriesOf(task: LayerTask, limits: ArchiveLimits): Promise<TreeEntry[]> {
  const options = { ...limits, links: 'skip' } as const;
  if (typeof task.layer !== 'string') {
    const files = readArchive(task.layer, options);
    if (files !== undefined) return files.map((file) => ({ ...file, read: () => file.content }));
  }
  await mkdir(task.workDir, { mode: 0o700 });
  if (typeof task.layer === 'string') await unpackFileHere(task.layer, task.workDir, options);
  else await unpackArchive(task.layer, task.workDir, options);
  return readDirectory(task.workDir);
}

/** Stores a layer as it is. */
export function copyLayer(task: LayerTask, signal?: AbortSignal): Promise<PackResult> {
  const { layer, destination, algorithm } = task;
  return writeContent(layer, destination, { algorithm, signal });
}
