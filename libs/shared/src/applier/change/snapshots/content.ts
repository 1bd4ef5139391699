import type { KubeObject } from '@sluice/shared/api';

/** Most characters of the content of a Snapshot, as its schema has it. */
export const maxContent = 1_048_576;
/** Most bytes of the JSON that it unpacks to. */
export const maxJsonBytes = 64 * 1024 * 1024;

/** What a Snapshot holds. */
export interface SnapshotContent {
  objects: KubeObject[];
  /** Names of the objects of the change that are not in it. */
  leftOut: KubeObject[];
}
