import type { InventoryEntry } from '@sluice/shared/engine';
import type { Run } from './run.ts';

/** Returns the entries of Namespaces that were there before actions in this process first applied them. */
export function adoptedEntries(run: Run): InventoryEntry[] {
  return [...run.state.adopted].map((id) => ({ id, v: 'v1', adopted: true }));
}
