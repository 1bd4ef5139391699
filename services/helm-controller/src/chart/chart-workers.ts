import { ArchiveError, WorkerPool } from '@sluice/shared/artifact';
import { chartLimits } from './files.ts';
import { type PrepareResult, type PrepareTask, prepareChart } from './prepare.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

const workers = new WorkerPool({
  url: new URL(`./chart-worker${extension}`, import.meta.url),
  size: 1,
  toError: (name, message) =>
    name === 'ArchiveError' ? new ArchiveError(message) : new Error(message),
});

/** What the event loop may be held up with. */
const inlineLimits = { maxBytes: 4 * 1024 * 1024, maxFiles: 1000 };

/**
 * Prepares a chart without holding up the event loop: here when it is small, else in a worker thread.
 *
 * @throws ArchiveError when the chart is refused
 */
export async function prepareAnywhere(task: Omit<PrepareTask, 'limits'>): Promise<PrepareResult> {
  if (typeof task.source !== 'string') {
    try {
      return prepareChart({ ...task, limits: inlineLimits });
    } catch (error) {
      // Too large when unpacked, or evil: the thread finds out which.
      if (!(error instanceof ArchiveError)) throw error;
    }
  }
  return workers.run<PrepareResult>({ ...task, limits: chartLimits } satisfies PrepareTask);
}
