import type { ArchiveTask } from './archive-workers.ts';
import { serveTasks } from './serve-tasks.ts';
import { unpackFileHere } from './unpack.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<ArchiveTask>((task) => unpackFileHere(task.source, task.dir, task.limits));
