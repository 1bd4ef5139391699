import { existsSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

/** What the scheduler of the system gives way to: event loops first, then what takes long anyway. */
const threadNice = 10;

/** Gives the threads with event loops the first turn at the processors. Only Linux gives each thread a priority. */
function letOthersGoFirst(): void {
  // `<process>/task/<thread>`, as this thread sees it; a sandbox may not have it, and works all the same.
  const self = '/proc/thread-self';
  if (process.platform !== 'linux' || !existsSync(self)) return;
  setPriority(Number(readlinkSync(self).split('/').at(-1)), threadNice);
}

/** Answers the tasks of a {@link WorkerPool} in a worker thread; to be called by the worker's main file. */
export function serveTasks<Task>(handle: (task: Task) => Promise<unknown>): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks must run in a worker thread');
  letOthersGoFirst();
  port.on('message', ({ id, message }: { id: number; message: Task }) => {
    handle(message).then(
      (value) => port.postMessage({ id, value }),
      (error: Error) =>
        port.postMessage({ id, error: { name: error.name, message: error.message } }),
    );
  });
}
