import { parentPort } from 'node:worker_threads';

/** Answers the tasks of a {@link WorkerPool} in a worker thread; to be called by the worker's main file. */
export function serveTasks<Task>(handle: (task: Task) => Promise<unknown>): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks must run in a worker thread');
  port.on('message', ({ id, message }: { id: number; message: Task }) => {
    handle(message).then(
      (value) => port.postMessage({ id, value }),
      (error: Error) =>
        port.postMessage({ id, error: { name: error.name, message: error.message } }),
    );
  });
}
