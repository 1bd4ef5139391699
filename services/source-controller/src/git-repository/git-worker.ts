import { serveTasks } from '@sluice/shared/artifact';
import { type PackTreeTask, packTree } from './pack-tree.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<PackTreeTask>(packTree);
