import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type PackResult, packArtifact, type TreeEntry } from '@sluice/shared/artifact';
import type { DigestAlgorithm } from '@sluice/shared/base';

/** Files to pack; plain data, so that a thread can do it. */
export interface PackFilesTask {
  /** The bytes of each, or the path of the file that holds them. */
  files: { path: string; content: Uint8Array | string; size: number }[];
  destination: string;
  algorithm: DigestAlgorithm;
  /** Most bytes that the files may hold together. */
  maxBytes: number;
}

const blockBytes = 256 * 1024;

/**
 * Packs files the way artifacts are.
 *
 * @throws BudgetError when they hold too much
 */
export function packFiles(task: PackFilesTask): Promise<PackResult> {
  const { destination, algorithm, maxBytes } = task;
  return packArtifact(task.files.map(entryOf), destination, { algorithm, maxBytes });
}

function entryOf({ path, content, size }: PackFilesTask['files'][number]): TreeEntry {
  if (typeof content !== 'string') {
    return { path, executable: false, size, read: () => content };
  }
  return {
    path,
    executable: false,
    size,
    read: () => readFile(content),
    stream: () => createReadStream(content, { highWaterMark: blockBytes }),
  };
}
