import { serveTasks } from '@sluice/shared/artifact';
import { type PackingTask, runPackingTask } from './packing-task.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<PackingTask>(runPackingTask);
