import type { KubeObject } from '@sluice/shared/api';
import { type InventoryEntry, inventoryOf } from '@sluice/shared/engine';
import { gvkOf, NoKindMatchError, type RestMapper } from '@sluice/shared/kube';

export interface ReleaseObjects {
  /** Objects of the manifest. */
  objects: readonly KubeObject[];
  /** CRDs of the chart, which no manifest lists. */
  crds: readonly KubeObject[];
  /** Namespace of the release, for namespaced objects that name none. */
  namespace: string;
}

/**
 * Returns status.inventory of a release: its objects but for hooks, and its CRDs, sorted. An object of a kind that
 * the cluster does not serve is listed as it stands in the manifest.
 */
export async function releaseInventory(
  { objects, crds, namespace }: ReleaseObjects,
  mapper: RestMapper,
): Promise<InventoryEntry[]> {
  const lasting = objects.filter((object) => !object.metadata.annotations?.['helm.sh/hook']);
  const placed = await Promise.all(
    lasting.map((object) => withNamespace(object, namespace, mapper)),
  );
  return inventoryOf([...placed, ...crds]);
}

async function withNamespace(
  object: KubeObject,
  namespace: string,
  mapper: RestMapper,
): Promise<KubeObject> {
  if (object.metadata.namespace || !(await isNamespaced(object, mapper))) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

async function isNamespaced(object: KubeObject, mapper: RestMapper): Promise<boolean> {
  try {
    return (await mapper.resourceFor(gvkOf(object))).namespaced;
  } catch (error) {
    if (error instanceof NoKindMatchError) return false;
    throw error;
  }
}
