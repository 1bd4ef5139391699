import type { KubeObject, SnapshotSpec } from '@sluice/shared/api';
import { digestOfParts } from '@sluice/shared/base';

/** Characters of a target's name in the names of its Snapshots: with the rest they are shorter than 253. */
const shownCharacters = 180;
const hexDigits = 20;

/** An object of which Snapshots are kept. */
export interface SnapshotTarget extends KubeObject {
  kind: SnapshotSpec['targetRef']['kind'];
}

/**
 * Returns the name of the Snapshot of a change: a valid one, and another for each target and change.
 *
 * @param digest `sha256:<hex>` of the change
 */
export function snapshotNameOf({ kind, metadata }: SnapshotTarget, digest: string): string {
  const shown = metadata.name.slice(0, shownCharacters).replace(/[^a-z0-9]+$/, '');
  const hex = digestOfParts([kind, metadata.name, digest]).slice(0, hexDigits);
  return `${kind.toLowerCase()}-${shown}-${hex}`;
}
