import { ArchiveError, type ArchiveLimits } from './archive-reader.ts';
import { WorkerPool } from './worker-pool.ts';

/** A task of the archive worker. */
export type ArchiveTask = {
  operation: 'unpack';
  source: string;
  dir: string;
  limits: ArchiveLimits;
};

/** Bundles hold JavaScript, sources TypeScript: the worker's file has the extension of this one. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

/** The threads which unpack large archives. None runs before the first task. */
export const archiveWorkers = new WorkerPool({
  url: new URL(`./archive-worker${extension}`, import.meta.url),
  size: 2,
  toError: (name, message) =>
    name === 'ArchiveError' ? new ArchiveError(message) : new Error(message),
});
