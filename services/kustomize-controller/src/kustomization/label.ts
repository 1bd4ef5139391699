import {
  type KubeObject,
  type Kustomization,
  kustomizationNameLabel,
  kustomizationNamespaceLabel,
} from '@sluice/shared/api';
import { gvkOf, type KubeClient, NoKindMatchError } from '@sluice/shared/kube';

/** Adds spec.commonMetadata and the ownership labels, which win over all others. */
export function labelObjects(objects: KubeObject[], owner: Kustomization): KubeObject[] {
  const { labels, annotations } = owner.spec.commonMetadata ?? {};
  const { name, namespace = '' } = owner.metadata;
  return objects.map((object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      ...(annotations && { annotations: { ...object.metadata.annotations, ...annotations } }),
      labels: {
        ...object.metadata.labels,
        ...labels,
        [kustomizationNameLabel]: name,
        [kustomizationNamespaceLabel]: namespace,
      },
    },
  }));
}

/**
 * Removes the namespace of objects whose kind has none, so that their identities are right before they are applied.
 * Objects of a kind that the cluster does not know yet are left alone.
 */
export async function scopeObjects(
  objects: KubeObject[],
  client: KubeClient,
): Promise<KubeObject[]> {
  const namespaced = async (object: KubeObject) => {
    try {
      return (await client.mapper.resourceFor(gvkOf(object))).namespaced;
    } catch (error) {
      if (error instanceof NoKindMatchError) return true;
      throw error;
    }
  };
  const scoped: KubeObject[] = [];
  for (const object of objects) {
    const { namespace, ...rest } = object.metadata;
    const keep = namespace === undefined || (await namespaced(object));
    scoped.push(keep ? object : { ...object, metadata: rest });
  }
  return scoped;
}
