import { type TaskOptions, WorkerPool } from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { SignatureError, TrustedKeyError } from '../signature/signature-error.ts';
import type { CosignTask } from './cosign-task.ts';

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const errors: Record<string, new (message: string) => Error> = {
  BudgetError,
  SignatureError,
  TrustedKeyError,
};

// What signatures and keys take to read is up to who wrote them, and the libraries are in memory while they are used.
const workers = new WorkerPool({
  url: new URL(`./verification-worker${extension}`, import.meta.url),
  size: 2,
  maxHeapMb: 128,
  deadlineMs: 30_000,
  toError: (name, message) => new (errors[name] ?? Error)(message),
});

/**
 * Checks signatures of cosign in a worker thread.
 *
 * @returns whose the trusted one is, in words
 * @throws as verifyCosign, and as {@link WorkerPool.run}
 */
export function verifyCosignInThread(task: CosignTask, turn: TaskOptions): Promise<string> {
  return workers.run<string>(task, turn);
}
