import { serveTasks } from '@sluice/shared/artifact';
import { type PrepareTask, prepareChart } from './prepare.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<PrepareTask>(async (task) => prepareChart(task));
