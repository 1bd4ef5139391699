import type { KindDefinition, KubeObject } from '@sluice/shared/api';
import { type Informer, isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';

/** Who applies objects, and the labels by which objects name one of them. */
export interface Owners {
  kind: KindDefinition;
  informer: Informer<KubeObject>;
  client: KubeClient;
  nameLabel: string;
  namespaceLabel: string;
}

/**
 * Whether the labels of an object name another owner than the given one, who exists: the object has then moved from one
 * to the other, which is no drift. Labels that name nobody are.
 *
 * @param owner key of who has applied it
 * @throws ApiError when the API server cannot be asked for an owner that another shard reconciles
 */
export async function isMovedFrom(
  owner: string,
  { metadata }: KubeObject,
  o: Owners,
): Promise<boolean> {
  const name = metadata.labels?.[o.nameLabel];
  const namespace = metadata.labels?.[o.namespaceLabel];
  if (!name || !namespace || `${namespace}/${name}` === owner) return false;
  if (o.informer.get(`${namespace}/${name}`) !== undefined) return true;
  try {
    await o.client.get(resourceOf(o.kind), { namespace, name }, { metadataOnly: true });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
