import { type TaskOptions, WorkerPool } from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import type { Composed, ComposeTask } from './compose.ts';
import { CompositionError } from './composition-error.ts';
import type { CompositionTask } from './composition-task.ts';
import type { FindTask, FoundDirectory } from './find-directories.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const errors: Record<string, new (message: string) => Error> = { BudgetError, CompositionError };

const workers = new WorkerPool({
  url: new URL(`./composition-worker${extension}`, import.meta.url),
  size: 2,
  maxHeapMb: 256,
  toError: (name, message) => new (errors[name] ?? Error)(message),
});

/**
 * Composes artifacts in a worker thread.
 *
 * @throws as {@link WorkerPool.run}
 */
export function composeInThread(task: ComposeTask, turn: TaskOptions): Promise<Composed[]> {
  return run({ operation: 'compose', ...task }, turn);
}

/**
 * Finds directories of a source in a worker thread.
 *
 * @throws CompositionError, and as {@link WorkerPool.run}
 */
export function findInThread(task: FindTask, turn: TaskOptions): Promise<FoundDirectory[]> {
  return run({ operation: 'find', ...task }, turn);
}

function run<T>(task: CompositionTask, turn: TaskOptions): Promise<T> {
  return workers.run<T>(task, turn);
}
