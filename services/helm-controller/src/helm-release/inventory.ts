import type { KubeObject } from '@sluice/shared/api';
import type { InventoryEntry } from '@sluice/shared/kube';
import { releaseInventory } from '../release/inventory.ts';
import { objectsOf } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { chartCrds } from './render.ts';
import { type Run, targetOf } from './run.ts';
import { draftOf } from './status.ts';

/** Returns what a release and the CRDs of its chart have in the cluster. */
export async function inventoryOf(
  run: Run,
  release: Release,
  crds: readonly KubeObject[],
): Promise<InventoryEntry[]> {
  const { client } = await targetOf(run);
  const { namespace, manifest } = release;
  return releaseInventory({ objects: objectsOf(manifest), crds, namespace }, client.mapper);
}

/** Notes what a release has if nobody did: releases of a Flux that kept no inventory are adopted as they are. */
export async function noteMissingInventory(run: Run, release: Release): Promise<void> {
  const status = draftOf(run);
  if (status.inventory !== undefined) return;
  status.inventory = { entries: await inventoryOf(run, release, chartCrds(run)) };
}
