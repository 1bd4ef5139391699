import { serveTasks } from '@sluice/shared/artifact';
import { type CompositionTask, runCompositionTask } from './composition-task.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<CompositionTask>(runCompositionTask);
