import { serveTasks } from '@sluice/shared/artifact';
import { type HelmTask, runHelmTask } from './helm-task.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<HelmTask>(runHelmTask);
