import { serveTasks } from '@sluice/shared/artifact';
import { type Identity, readPrivateKey } from './private-key.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<Identity>(async (identity) => readPrivateKey(identity));
