import { serveTasks } from '@sluice/shared/artifact';
import type { Pkcs12File } from './pkcs12-file.ts';
import { readPkcs12 } from './read-pkcs12.ts';

// The main file of a worker thread: it must act when loaded.
serveTasks<Pkcs12File>(async (file) => readPkcs12(file));
