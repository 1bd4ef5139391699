import { serveTasks } from '@sluice/shared/artifact';
import { type CosignTask, verifyCosign } from './cosign-task.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<CosignTask>(verifyCosign);
