import {
  ArchiveError,
  defaultArchiveLimits,
  defaultIgnoreLimits,
  type PackResult,
  type TaskOptions,
  WorkerPool,
} from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { PackError } from '../adapters/git/pack-error.ts';
import { defaultPackLimits } from '../adapters/git/pack-reader.ts';
import {
  MissingDirectoryError,
  type PackTreeLimits,
  type PackTreeResult,
  type PackTreeTask,
  packTree,
} from '../git-repository/pack-tree.ts';
import { extractLayer, type LayerLimits, type LayerTask } from '../oci-repository/write-layer.ts';
import type { PackingTask } from './packing-task.ts';

const mebibyte = 1024 * 1024;
/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const errors: Record<string, new (message: string) => Error> = {
  ArchiveError,
  BudgetError,
  PackError,
  MissingDirectoryError,
};

const workers = new WorkerPool({
  url: new URL(`./packing-worker${extension}`, import.meta.url),
  size: 3,
  maxHeapMb: 384,
  toError: (name, message) => new (errors[name] ?? Error)(message),
});

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
const quickLayer: LayerLimits = {
  archive: { ...defaultArchiveLimits, maxBytes: 4 * mebibyte, maxFiles: 2000 },
  ignore: quickIgnore,
};

/**
 * Makes an artifact of a fetched commit: here when that is quickly done, else in a worker thread.
 *
 * @throws as {@link packTree}, and as {@link WorkerPool.run}
 */
export function packTreeAnywhere(task: PackTreeTask, turn: TaskOptions): Promise<PackTreeResult> {
  const maxBytes = Math.min(task.maxBytes, quickBytes);
  const isQuick = 'bytes' in task.pack && task.includes.length === 0;
  return quickOrInThread(
    { operation: 'tree', ...task },
    turn,
    isQuick && (() => packTree({ ...task, maxBytes }, quickTree)),
  );
}

/**
 * Makes an artifact of a layer: here when that is quickly done, else in a worker thread.
 *
 * @throws as {@link extractLayer}, and as {@link WorkerPool.run}
 */
export function extractLayerAnywhere(task: LayerTask, turn: TaskOptions): Promise<PackResult> {
  const isQuick = typeof task.layer !== 'string';
  return quickOrInThread(
    { operation: 'layer', ...task },
    turn,
    isQuick && (() => extractLayer(task, quickLayer)),
  );
}

async function quickOrInThread<T>(
  task: PackingTask,
  turn: TaskOptions,
  quick: (() => Promise<T>) | false,
): Promise<T> {
  if (quick !== false) {
    try {
      return await quick();
    } catch (error) {
      // Too much for here, or evil: the thread finds out which.
      if (!(error instanceof BudgetError || error instanceof ArchiveError)) throw error;
    }
  }
  return workers.run<T>(task, turn);
}
