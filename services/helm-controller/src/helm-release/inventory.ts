import type { KubeObject } from '@sluice/shared/api';
import {
  applyPolicyOf,
  type InventoryEntry,
  idsOf,
  isExcluded,
  parseObjectId,
  withMarks,
} from '@sluice/shared/engine';
import { coreResources } from '@sluice/shared/kube';
import { releaseInventory } from '../release/inventory.ts';
import { objectsOf } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { adoptedEntries } from './adopted.ts';
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
  await holdReleased(run, release);
  const entries = await inventoryOf(run, release, chartCrds(run));
  status.inventory = { entries: heldEntries(run, entries) };
}

/**
 * Takes a release that was deployed by another process as applied; not what its manifest asks to leave alone, which may be
 * anybody's.
 */
export async function holdReleased(run: Run, { namespace, manifest }: Release): Promise<void> {
  const { client } = await targetOf(run);
  const { annotationPrefix } = run.deps.settings.identity;
  const objects = objectsOf(manifest).filter(
    (object) =>
      !isExcluded(object, annotationPrefix) &&
      applyPolicyOf(object, annotationPrefix) !== 'IfNotPresent',
  );
  const entries = await releaseInventory({ objects, crds: [], namespace }, client.mapper);
  for (const { id } of entries) run.state.held.claim(parseObjectId(id));
}

/** Returns the entries of what was applied, now or before; CRDs of a chart are listed whether or not its policy applies them. */
export function heldEntries(run: Run, entries: readonly InventoryEntry[]): InventoryEntry[] {
  const known = draftOf(run).inventory?.entries ?? [];
  const before = idsOf(known);
  const held = entries.filter(
    ({ id }) =>
      run.state.held.has(id) ||
      before.has(id) ||
      parseObjectId(id).kind === coreResources.customResourceDefinitions.kind,
  );
  return withMarks(withMarks(held, known), adoptedEntries(run));
}
