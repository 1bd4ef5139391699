import { mkdir } from 'node:fs/promises';
import {
  type PackResult,
  packArtifact,
  readArchive,
  readDirectory,
  type TreeEntry,
  unpackArchive,
  withoutIgnored,
} from '@sluice/shared/artifact';
import type { DigestAlgorithm } from '@sluice/shared/base';
import { writeContent } from '../source/write-content.ts';

export interface LayerTask {
  /** The layer's bytes, or the path of the file that holds them. */
  layer: Buffer | string;
  destination: string;
  algorithm: DigestAlgorithm;
  /** A directory that does not exist yet; to be removed by the caller. */
  workDir: string;
  specIgnore?: string;
  /** Most bytes that the files of the artifact may hold together. */
  maxBytes: number;
}

/**
 * Unpacks a `tar+gzip` layer and packs it again the way artifacts are, without what is ignored.
 *
 * @throws ArchiveError when the layer is refused; BudgetError when it, or its patterns, are over a limit
 */
export async function extractLayer(task: LayerTask): Promise<PackResult> {
  const kept = await withoutIgnored(await entriesOf(task), task.specIgnore);
  const { algorithm, maxBytes } = task;
  return packArtifact(kept, task.destination, { algorithm, maxBytes });
}

/** Small layers stay in memory; large ones go through a directory, in a worker thread. */
async function entriesOf(task: LayerTask): Promise<TreeEntry[]> {
  const options = { symlinks: 'skip' } as const;
  if (typeof task.layer !== 'string') {
    const files = readArchive(task.layer, options);
    if (files !== undefined) return files.map((file) => ({ ...file, read: () => file.content }));
  }
  await mkdir(task.workDir, { mode: 0o700 });
  await unpackArchive(task.layer, task.workDir, options);
  return readDirectory(task.workDir);
}

/** Stores a layer as it is. */
export function copyLayer({ layer, destination, algorithm }: LayerTask): Promise<PackResult> {
  return writeContent(layer, destination, algorithm);
}
