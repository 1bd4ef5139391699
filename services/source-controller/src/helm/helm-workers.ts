import { stat } from 'node:fs/promises';
import { ArchiveError, WorkerPool } from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { type Turn, withMemory } from '../source/turn.ts';
import { ChartError, chartErrorReasons, IndexError } from './chart-error.ts';
import { UnpackBudget } from './chart-files.ts';
import { type HelmTask, runHelmTask } from './helm-task.ts';
import type { IndexTask, ReadIndex } from './index-file.ts';
import type { LoadedChart } from './load-chart.ts';
import type { InspectTask, PackagedChart, PackageTask } from './package-chart.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const mebibyte = 1024 * 1024;
/** An index of 50 MiB takes half of it; one in an unusual form, which has to be parsed as a whole, more. */
const maxHeapMb = 448;
/** Bytes that a thread holds at most: for an index up to the size, for a larger one, and for a chart. */
const modestIndexBytes = 2 * mebibyte;
const modestIndexMemory = 96 * mebibyte;
const largeIndexMemory = maxHeapMb * mebibyte;
const chartMemory = 256 * mebibyte;

const workers = new WorkerPool({
  url: new URL(`./helm-worker${extension}`, import.meta.url),
  size: 2,
  maxHeapMb,
  toError,
});

function toError(name: string, message: string): Error {
  const reason = chartErrorReasons.find((one) => one === name);
  if (reason !== undefined) return new ChartError(reason, message);
  if (name === 'BudgetError') return new BudgetError(message);
  if (name === 'IndexError') return new IndexError(message);
  return name === 'ArchiveError' ? new ArchiveError(message) : new Error(message);
}

/** What the event loop may be held up with, in bytes: a chart unpacked, each of its files, and an index. */
const quickChartBytes = 256 * 1024;
const quickFiles = 500;
const quickFileBytes = 64 * 1024;
const quickIndexBytes = 32 * 1024;

/** Does the work here when that is quickly done, else in a worker thread. */
async function run(task: HelmTask, turn: Turn): Promise<unknown> {
  const quick = await quickForm(task);
  if (quick !== undefined) {
    try {
      return await runHelmTask(quick, () => new UnpackBudget(quickChartBytes, quickFiles));
    } catch {
      // Too much for here, or refused: the thread finds out which.
    }
  }
  return withMemory(turn, await memoryFor(task), () => workers.run(task, turn));
}

async function memoryFor(task: HelmTask): Promise<number> {
  if (task.operation !== 'index') return chartMemory;
  const { size } = await stat(task.source);
  return size <= modestIndexBytes ? modestIndexMemory : largeIndexMemory;
}

/** The same task within the limits of what is quickly done; undefined when it cannot be. */
async function quickForm(task: HelmTask): Promise<HelmTask | undefined> {
  if (task.operation === 'index') {
    return (await stat(task.source)).size <= quickIndexBytes ? task : undefined;
  }
  if (task.operation === 'package' && task.additions.length > 0) return undefined;
  const { source, limits } = task;
  if ('archive' in source && typeof source.archive === 'string') return undefined;
  return {
    ...task,
    limits: {
      archiveBytes: Math.min(limits.archiveBytes, quickChartBytes),
      fileBytes: Math.min(limits.fileBytes, quickFileBytes),
    },
  };
}

/** Reads an index. */
export function readIndexAnywhere(task: IndexTask, turn: Turn): Promise<ReadIndex> {
  return run(task, turn) as Promise<ReadIndex>;
}

/** Reads a chart. */
export function inspectAnywhere(task: InspectTask, turn: Turn): Promise<LoadedChart> {
  return run(task, turn) as Promise<LoadedChart>;
}

/** Packs a chart. */
export function packageAnywhere(task: PackageTask, turn: Turn): Promise<PackagedChart> {
  return run(task, turn) as Promise<PackagedChart>;
}
