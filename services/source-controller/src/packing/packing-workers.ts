import {
  ArchiveError,
  defaultArchiveLimits,
  defaultIgnoreLimits,
  type PackResult,
  WorkerPool,
} from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { MissingCommitError, ObjectSizeError, PackError } from '../adapters/git/pack-error.ts';
import { defaultPackLimits } from '../adapters/git/pack-reader.ts';
import { type PackFilesTask, packFiles } from '../bucket/pack-files.ts';
import {
  type FindSubmodulesTask,
  type FoundSubmodule,
  findSubmodules,
} from '../git-repository/find-submodules.ts';
import {
  type PackTreeLimits,
  type PackTreeResult,
  type PackTreeTask,
  packTree,
} from '../git-repository/pack-tree.ts';
import { MissingDirectoryError } from '../git-repository/sparse.ts';
import { UnverifiedCommitError, UnverifiedTagError } from '../git-repository/verify-objects.ts';
import { extractLayer, type LayerLimits, type LayerTask } from '../oci-repository/write-layer.ts';
import { TrustedKeyError } from '../signature/signature-error.ts';
import { type Turn, withMemory } from '../source/turn.ts';
import type { PackingTask } from './packing-task.ts';

const mebibyte = 1024 * 1024;
/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const errors: Record<string, new (message: string) => Error> = {
  ArchiveError,
  BudgetError,
  ObjectSizeError,
  PackError,
  MissingCommitError,
  MissingDirectoryError,
  TrustedKeyError,
  UnverifiedCommitError,
  UnverifiedTagError,
};

const workers = new WorkerPool({
  url: new URL(`./packing-worker${extension}`, import.meta.url),
  size: 3,
  maxHeapMb: 384,
  toError: (name, message) => new (errors[name] ?? Error)(message),
});

/**
 * Bytes that a thread holds at most when no object, or file, of the repository is larger than the first value: what
 * is known of all objects, those that may be needed again, and a delta with its base and its result.
 */
const modestObjectBytes = 24 * mebibyte;
const knownBytes = 64 * mebibyte;
const bytesFor = (objectBytes: number) => knownBytes + 3 * objectBytes;
/** What unpacking a layer holds: one file after another is read, in parts. */
const layerBytes = 64 * mebibyte;
/** Packing files holds less: they are read in parts. */
const filesBytes = 16 * mebibyte;

/** What the event loop may be held up with: what takes more, however small it was sent, goes to a thread. */
const quickIgnore = { ...defaultIgnoreLimits, maxSteps: 2_000_000 };
const quickTree: PackTreeLimits = {
  pack: {
    ...defaultPackLimits,
    maxObjects: 50_000,
    maxObjectBytes: 2 * mebibyte,
    maxTotalBytes: 32 * mebibyte,
  },
  tree: { maxEntries: 50_000, maxPathChars: 4 * mebibyte },
  ignore: quickIgnore,
};
const quickBytes = 32 * mebibyte;
const quickFiles = { count: 2000, bytes: 4 * mebibyte };
const quickLayer: LayerLimits = {
  archive: { ...defaultArchiveLimits, maxBytes: 4 * mebibyte, maxFiles: 2000 },
  ignore: quickIgnore,
};

/**
 * Makes an artifact of a fetched commit: here when that is quickly done, else in a worker thread.
 *
 * @throws as {@link packTree}, and as {@link WorkerPool.run}
 */
export async function packTreeAnywhere(task: PackTreeTask, turn: Turn): Promise<PackTreeResult> {
  const maxBytes = Math.min(task.maxBytes, quickBytes);
  // How long keys take to read is up to who wrote them.
  const isQuick =
    [task, ...task.submodules].every(({ pack }) => 'bytes' in pack) &&
    task.includes.length === 0 &&
    task.verification === undefined;
  if (isQuick) {
    const quick = await orTooMuch(() => packTree({ ...task, maxBytes }, quickTree));
    if (quick !== undefined) return quick;
  }
  return readInThread({ operation: 'tree', ...task }, turn);
}

/**
 * Finds the submodules of a fetched commit: here when that is quickly done, else in a worker thread.
 *
 * @throws as {@link findSubmodules}, and as {@link WorkerPool.run}
 */
export async function findSubmodulesAnywhere(
  task: FindSubmodulesTask,
  turn: Turn,
): Promise<FoundSubmodule[]> {
  if ('bytes' in task.pack && task.verification === undefined) {
    const quick = await orTooMuch(() => findSubmodules(task, quickTree));
    if (quick !== undefined) return quick;
  }
  return readInThread({ operation: 'submodules', ...task }, turn);
}

/** Reads packs in a thread, with memory for larger objects only where there are some. */
async function readInThread<T>(task: PackingTask, turn: Turn): Promise<T> {
  const inThread = (maxObjectBytes: number) =>
    withMemory(turn, bytesFor(maxObjectBytes), () =>
      workers.run<T>({ ...task, maxObjectBytes }, turn),
    );
  try {
    return await inThread(modestObjectBytes);
  } catch (error) {
    if (error instanceof ObjectSizeError) return inThread(defaultPackLimits.maxObjectBytes);
    throw error;
  }
}

/**
 * Makes an artifact of a layer: here when that is quickly done, else in a worker thread.
 *
 * @throws as {@link extractLayer}, and as {@link WorkerPool.run}
 */
export async function extractLayerAnywhere(task: LayerTask, turn: Turn): Promise<PackResult> {
  if (typeof task.layer !== 'string') {
    const quick = await orTooMuch(() => extractLayer(task, quickLayer));
    if (quick !== undefined) return quick;
  }
  return withMemory(turn, layerBytes, () =>
    workers.run<PackResult>({ operation: 'layer', ...task }, turn),
  );
}

/**
 * Makes an artifact of files: here when that is quickly done, else in a worker thread.
 *
 * @throws as {@link packFiles}, and as {@link WorkerPool.run}
 */
export async function packFilesAnywhere(task: PackFilesTask, turn: Turn): Promise<PackResult> {
  const isQuick =
    task.files.length <= quickFiles.count &&
    task.files.reduce((sum, { size }) => sum + size, 0) <= quickFiles.bytes;
  if (isQuick) return packFiles(task);
  return withMemory(turn, filesBytes, () =>
    workers.run<PackResult>({ operation: 'files', ...task }, turn),
  );
}

/** What the work returns; undefined when it took more than it was given. */
async function orTooMuch<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    // Too much for here, or evil: whoever has more to give finds out which.
    if (error instanceof BudgetError || error instanceof ArchiveError) return undefined;
    throw error;
  }
}
