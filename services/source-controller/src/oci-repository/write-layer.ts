import { mkdir } from 'node:fs/promises';
import {
  createIgnore,
  type IgnoreFile,
  ignoreFileName,
  type PackResult,
  packArtifact,
  readArchive,
  readDirectory,
  type TreeEntry,
  unpackArchive,
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
}

/**
 * Unpacks a `tar+gzip` layer and packs it again the way artifacts are, without what is ignored.
 *
 * @throws ArchiveError when the layer is refused
 */
export async function extractLayer(task: LayerTask): Promise<PackResult> {
  const entries = await entriesOf(task);
  const sourceignoreFiles: IgnoreFile[] = [];
  for (const entry of entries) {
    const slash = entry.path.lastIndexOf('/');
    if (entry.path.slice(slash + 1) !== ignoreFileName) continue;
    const content = Buffer.from(await entry.read()).toString('utf8');
    sourceignoreFiles.push({ dir: entry.path.slice(0, Math.max(0, slash)), content });
  }
  const isIgnored = createIgnore({ sourceignoreFiles, specIgnore: task.specIgnore });
  const kept = entries.filter((entry) => !isIgnored(entry.path, false));
  return packArtifact(kept, task.destination, { algorithm: task.algorithm });
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
