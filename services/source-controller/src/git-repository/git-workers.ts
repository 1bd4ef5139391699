import { WorkerPool } from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { PackError } from '../adapters/git/pack-error.ts';
import {
  MissingDirectoryError,
  type PackTreeResult,
  type PackTreeTask,
  packTree,
} from './pack-tree.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const errors: Record<string, new (message: string) => Error> = {
  BudgetError,
  PackError,
  MissingDirectoryError,
};

const workers = new WorkerPool({
  url: new URL(`./git-worker${extension}`, import.meta.url),
  size: 2,
  toError: (name, message) => new (errors[name] ?? Error)(message),
});

/** Makes an artifact of a fetched commit, in a worker thread when the pack is large. */
export function packTreeAnywhere(task: PackTreeTask): Promise<PackTreeResult> {
  return 'path' in task.pack ? workers.run<PackTreeResult>(task) : packTree(task);
}
