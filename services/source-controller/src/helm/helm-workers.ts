import { ArchiveError, WorkerPool } from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { ChartError, chartErrorReasons, IndexError } from './chart-error.ts';
import { type HelmTask, runHelmTask } from './helm-task.ts';
import type { IndexTask, ReadIndex } from './index-file.ts';
import type { LoadedChart } from './load-chart.ts';
import type { InspectTask, PackagedChart, PackageTask } from './package-chart.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
/** An index of 50 MiB of YAML takes two thirds of it. */
const maxHeapMb = 1024;

const workers = new WorkerPool({
  url: new URL(`./helm-worker${extension}`, import.meta.url),
  size: 1,
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

function run(task: HelmTask, large: boolean): Promise<unknown> {
  return large ? workers.run(task) : runHelmTask(task);
}

/** Reads an index; a large one in a worker thread. */
export function readIndexAnywhere(task: IndexTask, large: boolean): Promise<ReadIndex> {
  return run(task, large) as Promise<ReadIndex>;
}

/** Reads a chart; a large one in a worker thread. */
export function inspectAnywhere(task: InspectTask, large: boolean): Promise<LoadedChart> {
  return run(task, large) as Promise<LoadedChart>;
}

/** Packs a chart; a large one in a worker thread. */
export function packageAnywhere(task: PackageTask, large: boolean): Promise<PackagedChart> {
  return run(task, large) as Promise<PackagedChart>;
}
